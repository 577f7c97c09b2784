// Targets: the posts that submissions answer to, with the text that off-topic is measured against.
import { and, asc, eq, gt, isNull, not, sql } from 'drizzle-orm';
import { v7 as newId } from 'uuid';
import { targetKey } from '../url.ts';
import type { Db } from './client.ts';
import { targets } from './schema.ts';
import { outdateHeld } from './verdicts.ts';

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

/** When a post was published, as far as is known; else when it was first heard of. */
export function postedAt(target: Pick<Target, 'publishedAt' | 'createdAt'>): Date {
  return target.publishedAt ?? target.createdAt;
}

export function daysBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / (24 * 3_600_000);
}

/** How much of a post's text is kept: enough to tell its topic. */
export const mostPostText = 20_000;

/**
 * Stores what the engine says of its post. A fetched page no longer replaces what it told. What is held under the target
 * is judged again if title or text are other ones than before.
 */
export async function describeTarget(
  db: Db,
  target: Target,
  told: { title?: string; text?: string; state?: Target['state']; publishedAt?: Date },
): Promise<Target> {
  const { title = target.title, state = target.state } = told;
  const text = told.text === undefined ? target.text : told.text.slice(0, mostPostText).toWellFormed();
  const titleTold = target.titleTold || told.title !== undefined;
  const textTold = target.textTold || told.text !== undefined;
  // Two dates are never the same object.
  const isSameTime = told.publishedAt?.getTime() === target.publishedAt?.getTime();
  const publishedAt = isSameTime || told.publishedAt === undefined ? target.publishedAt : told.publishedAt;
  const described = { title, text, state, publishedAt, titleTold, textTold };
  const changed = (Object.keys(described) as (keyof typeof described)[]).filter(
    (name) => described[name] !== target[name],
  );
  if (changed.length === 0) return target;
  const [stored] = await db
    .update(targets)
    .set({ ...described, ...(textTold && { dueAt: null }) })
    .where(eq(targets.id, target.id))
    .returning();
  if (stored === undefined) throw new Error('a target vanished');
  if (changed.includes('title') || changed.includes('text')) await outdateHeld(db, target.id);
  return stored;
}

/** Leases the target whose page is due first, for `leaseMs`; null if none is. */
export async function leaseTarget(db: Db, now: Date, leaseMs: number): Promise<Target | null> {
  const [row] = await db
    .update(targets)
    .set({ leasedUntil: new Date(now.getTime() + leaseMs), attempts: sql`least(${targets.attempts} + 1, 1000)` })
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
 * Makes the page of a target due to be read again, if it was read before `staleBefore` and its text is not told by the
 * engine. Writes nothing otherwise.
 */
export async function refreshTarget(db: Db, target: Target, staleBefore: Date, now: Date): Promise<void> {
  const isStale = target.fetchedAt === null || target.fetchedAt < staleBefore;
  if (target.dueAt !== null || target.textTold || !isStale) return;
  await db
    .update(targets)
    .set({ dueAt: now, attempts: 0 })
    .where(and(eq(targets.id, target.id), isNull(targets.dueAt), not(targets.textTold)));
}

/** What a page says of its post; an empty text says nothing. */
export type TargetPage = Pick<Target, 'title' | 'publishedAt' | 'validators'> & { text: string };

/**
 * Ends a lease: stores what the page says, if it was read, where the engine has told nothing itself; what is held under
 * the target is judged again if title or text are other ones than before. A page that is there opens nothing: whether a
 * post takes responses is the engine's word. `dueAt` null: done with it for now, whether or not it could be read.
 */
export async function finishTarget(
  db: Db,
  leased: Target,
  result: { page: TargetPage | null; gone: boolean; now: Date; dueAt: Date | null },
): Promise<void> {
  const { page, gone, now, dueAt } = result;
  const told = page && {
    title: sql`case when ${targets.titleTold} then ${targets.title} else ${page.title} end`,
    text: sql`case when ${targets.textTold} then ${targets.text} else coalesce(${page.text || null}, ${targets.text}) end`,
    publishedAt: sql`coalesce(${targets.publishedAt}, ${page.publishedAt?.toISOString() ?? null}::timestamptz)`,
    validators: page.validators,
  };
  const { titleTold, textTold, title, text } = leased;
  const isChanged =
    page !== null && ((!titleTold && page.title !== title) || (!textTold && page.text !== '' && page.text !== text));
  await db.transaction(async (tx) => {
    const [stored] = await tx
      .update(targets)
      .set({
        ...told,
        leasedUntil: null,
        dueAt: sql`case when not ${targets.textTold} then ${dueAt?.toISOString() ?? null}::timestamptz end`,
        ...(dueAt === null && { fetchedAt: now, attempts: 0 }),
        ...(gone && { state: 'gone' as const }),
      })
      .where(and(eq(targets.id, leased.id), eq(targets.leasedUntil, leased.leasedUntil ?? new Date(0))))
      .returning({ id: targets.id });
    if (stored !== undefined && isChanged) await outdateHeld(tx, leased.id);
  });
}
