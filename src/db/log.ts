// The log of each site, from which every process folds the site's model, and the lessons that its entries name.
import { and, asc, desc, eq, gt, lt, lte, type SQL, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { lessons, logEntries, sites, submissions } from './schema.ts';

export type Lesson = typeof lessons.$inferSelect;
export type LogEntry = typeof logEntries.$inferSelect;

/** Stores lessons and answers their ids in the same order. */
export async function insertLessons(db: Db, list: (typeof lessons.$inferInsert)[]): Promise<number[]> {
  if (list.length === 0) return [];
  return (await db.insert(lessons).values(list).returning({ id: lessons.id })).map((row) => row.id);
}

/**
 * Adds an entry to a site's log inside the caller's transaction. Taking the number locks the site's row until the
 * transaction ends, so numbers have no gaps and follow the order of commits.
 */
export async function appendLog(db: Db, entry: Omit<LogEntry, 'n' | 'epoch'> & { epoch?: number }): Promise<number> {
  const [site] = await db
    .update(sites)
    .set({ logN: sql`${sites.logN} + 1` })
    .where(eq(sites.id, entry.siteId))
    .returning({ n: sites.logN });
  if (site === undefined) throw new Error('a log entry was written for a site that does not exist');
  await db.insert(logEntries).values({ ...entry, n: site.n });
  return site.n;
}

/** The entries after number `n` up to number `last`, in order, at most `limit`. */
export async function entriesBetween(
  db: Db,
  siteId: string,
  { n, last, limit }: { n: number; last: number; limit: number },
): Promise<LogEntry[]> {
  return db
    .select()
    .from(logEntries)
    .where(and(eq(logEntries.siteId, siteId), gt(logEntries.n, n), lte(logEntries.n, last)))
    .orderBy(asc(logEntries.n))
    .limit(limit);
}

export async function lessonsById(db: Db, ids: readonly number[]): Promise<Map<number, Lesson>> {
  if (ids.length === 0) return new Map();
  const found = await db
    .select()
    .from(lessons)
    // As one parameter: entries of bulk decisions name more lessons than a statement may have parameters.
    .where(sql`${lessons.id} in (select value::bigint from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`);
  return new Map(found.map((lesson) => [lesson.id, lesson]));
}

/** Where a site's log ends: the number of its last entry, and the epoch that stands. Null without such a site. */
export async function logEnd(db: Db, siteId: string): Promise<{ n: number; epoch: number } | null> {
  const [site] = await db.select({ n: sites.logN, epoch: sites.epoch }).from(sites).where(eq(sites.id, siteId));
  return site ?? null;
}

/** Lessons that stand now, in the order of their ids, after `afterId`: what a model rebuilt from nothing has to learn. */
export async function standingLessons(db: Db, siteId: string, afterId: number, limit: number): Promise<Lesson[]> {
  const found = await selectStanding(db)
    .where(and(eq(lessons.siteId, siteId), gt(lessons.id, afterId)))
    .orderBy(asc(lessons.id))
    .limit(limit);
  return found.map((row) => row.lesson);
}

/** Lessons of a features version that stand now, newest first, before `beforeId`. */
export async function newestStanding(
  db: Db,
  siteId: string,
  featuresVersion: number,
  { beforeId, limit }: { beforeId: number; limit: number },
): Promise<Lesson[]> {
  const found = await selectStanding(db, eq(lessons.featuresVersion, featuresVersion))
    .where(and(eq(lessons.siteId, siteId), lt(lessons.id, beforeId)))
    .orderBy(desc(lessons.id))
    .limit(limit);
  return found.map((row) => row.lesson);
}

/**
 * Lessons whose submission has learned them, one look-up each. Written so that the limit of a page stops the work: as a plain
 * join it is planned, without statistics, as a sort of all that follows.
 */
function selectStanding(db: Db, condition?: SQL) {
  const standing = db
    .select({ id: submissions.id })
    .from(submissions)
    .where(and(eq(submissions.id, lessons.submissionId), eq(submissions.lessonId, lessons.id), condition))
    .limit(1)
    .as('standing');
  return db.select({ lesson: lessons }).from(lessons).innerJoinLateral(standing, sql`true`).$dynamic();
}
