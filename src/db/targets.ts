// Targets: the posts that submissions answer to, with the text that off-topic is measured against.
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { v7 as newId } from 'uuid';
import { targetKey } from '../url.ts';
import type { Db } from './client.ts';
import { targets } from './schema.ts';

export type Target = typeof targets.$inferSelect;

/** The site's target of this URL; a new one is stored, and its page becomes due to be fetched. */
export async function ensureTarget(db: Db, siteId: string, url: URL, now: Date): Promise<Target> {
  const key = targetKey(url);
  const known = await findTarget(db, siteId, key);
  if (known !== null) return known;
  const page = new URL(url);
  page.hash = '';
  await db
    .insert(targets)
    .values({ id: newId(), siteId, key, url: page.href, dueAt: now, createdAt: now })
    .onConflictDoNothing();
  const stored = await findTarget(db, siteId, key);
  if (stored === null) throw new Error('a target was not stored');
  return stored;
}

export async function findTarget(db: Db, siteId: string, key: string): Promise<Target | null> {
  const [row] = await db
    .select()
    .from(targets)
    .where(and(eq(targets.siteId, siteId), eq(targets.key, key)));
  return row ?? null;
}

export async function getTarget(db: Db, id: string): Promise<Target | null> {
  const [row] = await db.select().from(targets).where(eq(targets.id, id));
  return row ?? null;
}

/** A page of a site's targets, oldest first, after the one named by `after`. */
export async function listTargets(
  db: Db,
  siteId: string | null,
  after: string | null,
  limit: number,
): Promise<Target[]> {
  const where = and(
    siteId === null ? undefined : eq(targets.siteId, siteId),
    after === null ? undefined : gt(targets.id, after),
  );
  return db.select().from(targets).where(where).orderBy(asc(targets.id)).limit(limit);
}

/**
 * Stores what the engine says of its post. From then on a fetched page no longer replaces title and text; other ones than
 * before count as fetched now, so that what is held is judged again by them.
 */
export async function describeTarget(
  db: Db,
  id: string,
  change: { title?: string; text?: string; state?: Target['state'] },
  now = new Date(),
): Promise<Target> {
  const { title, text } = change;
  const described = title !== undefined || text !== undefined;
  const differs = sql`(${targets.title}, ${targets.text}) is distinct from
    (coalesce(${title ?? null}::text, ${targets.title}), coalesce(${text ?? null}::text, ${targets.text}))`;
  const fetchedAt = sql<Date>`case when ${differs} then ${now.toISOString()}::timestamptz else ${targets.fetchedAt} end`;
  if (described || change.state !== undefined)
    await db
      .update(targets)
      .set({ ...change, ...(described && { registered: true, dueAt: null, fetchedAt }) })
      .where(eq(targets.id, id));
  const stored = await getTarget(db, id);
  if (stored === null) throw new Error('a target vanished');
  return stored;
}

/** Leases the target whose page is due first, for `leaseMs`; null if none is. */
export async function leaseTarget(db: Db, now: Date, leaseMs: number): Promise<Target | null> {
  const [row] = await db
    .update(targets)
    .set({ leasedUntil: new Date(now.getTime() + leaseMs), attempts: sql`${targets.attempts} + 1` })
    .where(
      eq(
        targets.id,
        sql`(select id from targets where due_at <= ${now.toISOString()}::timestamptz
             and (leased_until is null or leased_until <= ${now.toISOString()}::timestamptz)
             order by due_at limit 1 for update skip locked)`,
      ),
    )
    .returning();
  return row ?? null;
}

/**
 * Ends a lease: stores the page's title and text, if there was one, unless the engine has described the post since. A page
 * that is there opens nothing: whether a post takes responses is the engine's word.
 */
export async function finishTarget(
  db: Db,
  id: string,
  result: { page: { title: string | null; text: string } | null; gone: boolean; now: Date; dueAt: Date | null },
): Promise<void> {
  const { page, gone, now, dueAt } = result;
  await db.update(targets).set({ leasedUntil: null }).where(eq(targets.id, id));
  await db
    .update(targets)
    .set({ fetchedAt: now, dueAt, ...(page && { ...page, attempts: 0 }), ...(gone && { state: 'gone' }) })
    .where(and(eq(targets.id, id), eq(targets.registered, false)));
}
