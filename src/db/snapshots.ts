// Snapshots of sites' models, and the refits that open their epochs: who may make one, and how it is written. What is in
// a snapshot is the judge's business.
import { and, desc, eq, isNull, lte, notInArray, or, sql } from 'drizzle-orm';
import { type Db, rows } from './client.ts';
import { appendLog } from './log.ts';
import { sites, snapshots } from './schema.ts';

export type Snapshot = typeof snapshots.$inferSelect;

/** The newest of a site's epochs first; within one, the one that knows most. */
const newestFirst = [desc(snapshots.epoch), desc(snapshots.n)];

/** Snapshots that are kept of a site: the newest, and the one before it for whoever is reading that just now. */
const kept = 2;

/** The newest snapshot of a features version; those of others mean nothing to it. */
export async function newestSnapshot(db: Db, siteId: string, featuresVersion: number): Promise<Snapshot | null> {
  const [row] = await db
    .select()
    .from(snapshots)
    .where(ofVersion(siteId, featuresVersion))
    .orderBy(...newestFirst)
    .limit(1);
  return row ?? null;
}

/** The same without the counts. */
export async function newestTuning(
  db: Db,
  siteId: string,
  featuresVersion: number,
): Promise<Pick<Snapshot, 'n' | 'epoch' | 'tuning'> | null> {
  const { n, epoch, tuning } = snapshots;
  const [row] = await db
    .select({ n, epoch, tuning })
    .from(snapshots)
    .where(ofVersion(siteId, featuresVersion))
    .orderBy(...newestFirst)
    .limit(1);
  return row ?? null;
}

/** Stores a snapshot, and drops those of its features version, or an older one, that are not needed any more. */
export async function storeSnapshot(db: Db, snapshot: Snapshot): Promise<void> {
  const { siteId, featuresVersion } = snapshot;
  await db
    .insert(snapshots)
    .values(snapshot)
    .onConflictDoUpdate({ target: [snapshots.siteId, snapshots.n], set: snapshot });
  const newest = db
    .select({ n: snapshots.n })
    .from(snapshots)
    .where(ofVersion(siteId, featuresVersion))
    .orderBy(...newestFirst)
    .limit(kept);
  await db
    .delete(snapshots)
    .where(
      and(
        eq(snapshots.siteId, siteId),
        lte(snapshots.featuresVersion, featuresVersion),
        notInArray(snapshots.n, newest),
      ),
    );
}

/** Appends the entry that opens the epoch after `epoch`, and stores its snapshot. Null, and nothing written, if another refit was first. */
export async function storeRefit(db: Db, epoch: number, refit: Omit<Snapshot, 'epoch'>): Promise<number | null> {
  return db.transaction(async (tx) => {
    const opened = await tx
      .update(sites)
      .set({ epoch: epoch + 1, snapshotN: refit.n, refitLeasedUntil: null })
      .where(and(eq(sites.id, refit.siteId), eq(sites.epoch, epoch)))
      .returning({ id: sites.id });
    if (opened.length === 0) return null;
    const entry = { kind: 'refit' as const, decisionId: null, epoch: epoch + 1, learned: [], unlearned: [] };
    const n = await appendLog(tx, { siteId: refit.siteId, at: refit.at, ...entry });
    await storeSnapshot(tx, { ...refit, epoch: epoch + 1 });
    return n;
  });
}

/** A site that may have to be refitted. */
export interface Growing {
  id: string;
  logN: number;
  snapshotN: number;
  /** Whether this features version needs a snapshot of its own, however little has been decided since. */
  isOutdated: boolean;
}

/**
 * Sites that nobody refits now and whose log has grown by `least` entries or more since the last refit, or that have
 * decisions of older features versions and no snapshot of this one. Those that grew most for their size come first.
 */
export async function growingSites(
  db: Db,
  asked: { featuresVersion: number; least: number; now: Date; limit: number },
): Promise<Growing[]> {
  const { featuresVersion, least, now, limit } = asked;
  const found = await rows<{ id: string; log_n: string | number; snapshot_n: string | number; outdated: boolean }>(
    db,
    sql`
    select id, log_n, snapshot_n, outdated from sites cross join lateral (
      select not exists (select from snapshots where site_id = sites.id and features_version >= ${featuresVersion})
        and (snapshot_n > 0
          or exists (select from lessons where site_id = sites.id and features_version < ${featuresVersion})) as outdated
    ) as missing
    where log_n > 0 and (outdated or log_n - snapshot_n >= ${least})
      and (refit_leased_until is null or refit_leased_until <= ${now.toISOString()}::timestamptz)
    order by outdated desc, (log_n - snapshot_n)::float8 / log_n desc limit ${limit}`,
  );
  return found.map((site) => ({
    id: site.id,
    logN: Number(site.log_n),
    snapshotN: Number(site.snapshot_n),
    isOutdated: site.outdated,
  }));
}

/** Leases a site's refit until `until`; false if somebody else has it. */
export async function leaseRefit(db: Db, siteId: string, now: Date, until: Date): Promise<boolean> {
  const free = or(isNull(sites.refitLeasedUntil), lte(sites.refitLeasedUntil, now));
  const leased = await db
    .update(sites)
    .set({ refitLeasedUntil: until })
    .where(and(eq(sites.id, siteId), free))
    .returning({ id: sites.id });
  return leased.length > 0;
}

/** Sets when the lease of a refit in hand ends; null: now. */
export async function extendRefit(db: Db, siteId: string, until: Date | null): Promise<void> {
  await db.update(sites).set({ refitLeasedUntil: until }).where(eq(sites.id, siteId));
}

function ofVersion(siteId: string, featuresVersion: number) {
  return and(eq(snapshots.siteId, siteId), eq(snapshots.featuresVersion, featuresVersion));
}
