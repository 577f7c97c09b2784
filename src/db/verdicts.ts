// Verdicts as they are stored, and finding those that the model has outgrown.
import { and, eq, inArray, sql } from 'drizzle-orm';
import { type Db, rows } from './client.ts';
import { submissions, type Verdict } from './schema.ts';
import type { Submission } from './submissions.ts';

/** A verdict as a row has it: the parts that lists sort and search by stand in columns of their own. */
export function verdictColumns(verdict: Verdict, now: Date) {
  return { verdict, probability: verdict.probability, verdictN: verdict.n, judgedAt: now };
}

/** Marks the verdicts on what is held under a target as outdated, since the target's text is another now. */
export async function outdateHeld(db: Db, targetId: string): Promise<void> {
  await db
    .update(submissions)
    .set({ verdictN: -1 })
    .where(and(eq(submissions.targetId, targetId), eq(submissions.status, 'held')));
}

/** Copies of what was decided on whose verdicts are outdated at once; those of the same site follow as the model learns. */
const mostCopies = 2_000;

/** Marks the verdicts on what is held, on any site, and says much the same as `decided` as outdated. */
export async function outdateCopies(tx: Db, decided: readonly Pick<Submission, 'clusterId'>[]): Promise<void> {
  const clusters = [...new Set(decided.map(({ clusterId }) => clusterId).filter((id) => id !== null))];
  if (clusters.length === 0) return;
  // A row that is locked is being moved: waiting for it, with others locked already, might be waiting in a circle.
  await tx.execute(sql`
    update submissions set verdict_n = -1 where id in (
      select id from submissions where status = 'held'
        and cluster_id = any(array(select value::uuid from jsonb_array_elements_text(${JSON.stringify(clusters)}::jsonb)))
      limit ${mostCopies} for update skip locked)`);
}

/**
 * Held submissions whose verdict does not know all that their site has decided, and is older than `judgedBefore`, or was
 * marked as outdated; oldest knowledge first.
 */
export async function outdatedHeld(db: Db, judgedBefore: Date, limit: number): Promise<Submission[]> {
  const found = await rows<{ id: string }>(
    db,
    sql`
    select held.id from sites cross join lateral (
      select id from submissions s
      where s.site_id = sites.id and s.status = 'held' and s.verdict_n < sites.log_n
        and (s.verdict_n < 0 or s.judged_at < ${judgedBefore.toISOString()}::timestamptz)
      order by s.verdict_n limit ${limit}) held
    limit ${limit}`,
  );
  const ids = found.map((row) => row.id);
  return ids.length === 0 ? [] : db.select().from(submissions).where(inArray(submissions.id, ids));
}

/** Replaces the verdict of a submission that has not been moved since it was read. The status stays as it is. */
export async function saveVerdict(db: Db, seen: Submission, verdict: Verdict, now: Date): Promise<void> {
  await db.update(submissions).set(verdictColumns(verdict, now)).where(unmoved(seen));
}

/** Keeps the verdict that there is, and puts off judging again: something is wrong with this one. */
export async function keepVerdict(db: Db, seen: Submission, now: Date): Promise<void> {
  await db.update(submissions).set({ verdictN: 0, judgedAt: now }).where(unmoved(seen));
}

function unmoved(seen: Submission) {
  return and(eq(submissions.id, seen.id), eq(submissions.version, seen.version));
}
