// Submissions: stored once, moved only through a guard on the status and version that the mover saw.
import { and, desc, eq, inArray, isNotNull, isNull, lte, ne, or, sql } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import type { Kind, Status } from '../submission.ts';
import type { Db } from './client.ts';
import { rows, violatedConstraint } from './client.ts';
import { recordPolicy } from './decision-writes.ts';
import { moves, submissions, targets, type Verdict } from './schema.ts';

export type Submission = typeof submissions.$inferSelect;
export type NewSubmission = typeof submissions.$inferInsert;

/** How many approved texts under a target are looked at as its thread, and how much of each. */
const threadTexts = 20;
const threadChars = 2_000;

/**
 * Stores a submission and the beginning of its history; its verdict may put it aside or publish it at once. Null if the
 * site already has one of the same ping key or `ref`, which the caller then looks up.
 */
export async function insertSubmission(
  db: Db,
  row: NewSubmission,
  move: { actor: string; reason: string | null; verdict: Verdict | null },
): Promise<Submission | null> {
  try {
    return await db.transaction(async (tx) => {
      const [stored] = await tx.insert(submissions).values(row).returning();
      if (stored === undefined) throw new Error('a submission was not stored');
      const { actor, reason, verdict } = move;
      await tx
        .insert(moves)
        .values({ submissionId: stored.id, at: stored.receivedAt, from: null, to: stored.status, actor, reason });
      return (await applyPolicy(tx, stored, verdict, stored.receivedAt)) ?? stored;
    });
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint === 'submissions_ping' || constraint === 'submissions_ref') return null;
    throw error;
  }
}

/** Does what policy made of a verdict with a submission that is held; null where it stays held. */
async function applyPolicy(
  tx: Db,
  held: Pick<Submission, 'id' | 'siteId'>,
  verdict: Verdict | null,
  now: Date,
): Promise<Submission | null> {
  if (verdict === null || verdict.outcome === 'held') return null;
  const action = verdict.outcome === 'spam' ? 'spam' : 'approve';
  const reason = `probability ${verdict.probability.toFixed(3)}`;
  const decisionId = await recordPolicy(tx, held, { action, to: verdict.outcome, reason, now });
  const [moved] = await tx
    .update(submissions)
    .set({ status: verdict.outcome, decisionId })
    .where(eq(submissions.id, held.id))
    .returning();
  if (moved === undefined) throw new Error('a submission vanished');
  return moved;
}

export async function getSubmission(db: Db, id: string): Promise<Submission | null> {
  const [row] = await db.select().from(submissions).where(eq(submissions.id, id));
  return row ?? null;
}

export async function findPing(db: Db, siteId: string, pingKey: string): Promise<Submission | null> {
  const [row] = await db
    .select()
    .from(submissions)
    .where(and(eq(submissions.siteId, siteId), eq(submissions.pingKey, pingKey)));
  return row ?? null;
}

export async function findByRef(db: Db, siteId: string, ref: string): Promise<Submission | null> {
  const [row] = await db
    .select()
    .from(submissions)
    .where(and(eq(submissions.siteId, siteId), eq(submissions.ref, ref)));
  return row ?? null;
}

/** One change of status, with the columns that change beside it. */
export interface Move {
  to: Status;
  actor: string;
  reason: string | null;
  now: Date;
  change?: PgUpdateSetSource<typeof submissions>;
  /** A new verdict, which may put a held submission aside or publish it at once. */
  verdict?: Verdict;
}

/**
 * Moves a submission if it still has the status and version that `seen` has, and writes its history. False if another
 * mover was first: nothing is changed then.
 */
export async function moveSubmission(
  db: Db,
  seen: Pick<Submission, 'id' | 'status' | 'version'>,
  move: Move,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const moved = await tx
      .update(submissions)
      .set({
        ...move.change,
        ...(move.verdict === undefined ? {} : verdictColumns(move.verdict, move.now)),
        status: move.to,
        version: seen.version + 1,
        updatedAt: move.now,
      })
      .where(
        and(eq(submissions.id, seen.id), eq(submissions.status, seen.status), eq(submissions.version, seen.version)),
      )
      .returning({ id: submissions.id, siteId: submissions.siteId });
    if (moved.length === 0) return false;
    if (move.to !== seen.status || move.reason !== null) {
      const { to, actor, reason, now } = move;
      await tx.insert(moves).values({ submissionId: seen.id, at: now, from: seen.status, to, actor, reason });
    }
    if (move.to === 'held')
      await applyPolicy(tx, moved[0] as { id: string; siteId: string }, move.verdict ?? null, move.now);
    return true;
  });
}

/** Gives a ping the kind of a stronger one for the same page. */
export async function upgradeKind(db: Db, id: string, kind: Kind): Promise<void> {
  await db.update(submissions).set({ kind }).where(eq(submissions.id, id));
}

/** Makes the source due to be looked at, unless it is due already: a flood of repeats neither hurries nor renews the attempts. */
export async function makeDue(db: Db, id: string, dueAt: Date): Promise<void> {
  await db
    .update(submissions)
    .set({ dueAt, attempts: 0 })
    .where(and(eq(submissions.id, id), isNull(submissions.dueAt)));
}

/** Leases the ping whose source is due first, for `leaseMs`, and counts the attempt; null if none is. */
export async function leaseDue(db: Db, now: Date, leaseMs: number): Promise<Submission | null> {
  const [row] = await db
    .update(submissions)
    .set({ leasedUntil: new Date(now.getTime() + leaseMs), attempts: sql`${submissions.attempts} + 1` })
    .where(
      eq(
        submissions.id,
        sql`(select id from submissions where due_at <= ${now.toISOString()}::timestamptz
             and (leased_until is null or leased_until <= ${now.toISOString()}::timestamptz)
             order by due_at limit 1 for update skip locked)`,
      ),
    )
    .returning();
  return row ?? null;
}

/** Leases one ping that nobody else works on, whether or not it is due. */
export async function leaseOne(db: Db, id: string, now: Date, leaseMs: number): Promise<Submission | null> {
  const [row] = await db
    .update(submissions)
    .set({ leasedUntil: new Date(now.getTime() + leaseMs), attempts: sql`${submissions.attempts} + 1` })
    .where(and(eq(submissions.id, id), or(isNull(submissions.leasedUntil), lte(submissions.leasedUntil, now))))
    .returning();
  return row ?? null;
}

/** Ends all leases: for a start when no other process can hold one. */
export async function releaseLeases(db: Db): Promise<void> {
  await db.update(submissions).set({ leasedUntil: null }).where(isNotNull(submissions.leasedUntil));
  await db.update(targets).set({ leasedUntil: null }).where(isNotNull(targets.leasedUntil));
}

/** Ends a lease without a move, and says when the source is due next; a due time set by somebody else meanwhile stays. */
export async function endLease(db: Db, leased: Submission, dueAt: Date | null, now: Date): Promise<void> {
  await db
    .update(submissions)
    .set({ leasedUntil: null, dueAt: nextDue(leased, dueAt), lastFetchAt: now })
    .where(eq(submissions.id, leased.id));
}

/** The due time to write after work on a lease: a repeat that came in meanwhile is not forgotten. */
export function nextDue(leased: Submission, dueAt: Date | null) {
  const was = leased.dueAt === null ? null : leased.dueAt.toISOString();
  const next = dueAt === null ? null : dueAt.toISOString();
  return sql<Date | null>`case when ${submissions.dueAt} is not distinct from ${was}::timestamptz then ${next}::timestamptz else ${submissions.dueAt} end`;
}

/** Texts already approved under a target, newest first, for judging what belongs there; `except` is left out. */
export async function approvedTexts(db: Db, targetId: string, except: string | null): Promise<string[]> {
  const found = await db
    .select({ text: sql<string>`left(concat_ws(' ', ${submissions.title}, ${submissions.content}), ${threadChars})` })
    .from(submissions)
    .where(
      and(
        eq(submissions.targetId, targetId),
        eq(submissions.status, 'approved'),
        except === null ? undefined : ne(submissions.id, except),
      ),
    )
    .orderBy(desc(submissions.seq))
    .limit(threadTexts);
  return found.map((row) => row.text);
}

/** Held submissions whose verdict is older than what their site's model knows now, or than their target's text; oldest verdict first. */
export async function outdatedHeld(db: Db, judgedBefore: Date, limit: number): Promise<Submission[]> {
  const found = await rows<{ id: string }>(
    db,
    sql`
    select s.id from submissions s join sites on sites.id = s.site_id join targets t on t.id = s.target_id
    where s.status = 'held'
      and ((s.verdict_n < sites.log_n and s.judged_at < ${judgedBefore.toISOString()}::timestamptz) or s.judged_at < t.fetched_at)
    order by s.judged_at limit ${limit}`,
  );
  if (found.length === 0) return [];
  return db
    .select()
    .from(submissions)
    .where(
      inArray(
        submissions.id,
        found.map((row) => row.id),
      ),
    );
}

/** Replaces the verdict of a submission that has not been moved since it was read. The status stays as it is. */
export async function saveVerdict(db: Db, seen: Submission, verdict: Verdict, now: Date): Promise<void> {
  await db
    .update(submissions)
    .set(verdictColumns(verdict, now))
    .where(and(eq(submissions.id, seen.id), eq(submissions.version, seen.version)));
}

/** A verdict as a row has it: the parts that lists sort and search by stand in columns of their own. */
export function verdictColumns(verdict: Verdict, now: Date) {
  return { verdict, probability: verdict.probability, verdictN: verdict.n, judgedAt: now };
}

/** Approved submissions of a target, oldest first, at most `limit`. */
export async function approvedUnder(db: Db, targetId: string, limit: number): Promise<Submission[]> {
  return db
    .select()
    .from(submissions)
    .where(and(eq(submissions.targetId, targetId), eq(submissions.status, 'approved')))
    .orderBy(submissions.seq)
    .limit(limit);
}

/** Cuts senders' addresses received before a time down to their hash and network. Answers how many were cut. */
export async function forgetAddresses(db: Db, before: Date, limit: number): Promise<number> {
  const old = db
    .select({ id: submissions.id })
    .from(submissions)
    .where(
      and(
        isNotNull(submissions.ip),
        ne(submissions.status, 'received'),
        sql`${submissions.receivedAt} < ${before.toISOString()}::timestamptz`,
      ),
    )
    .limit(limit);
  return (
    await db.update(submissions).set({ ip: null }).where(inArray(submissions.id, old)).returning({ id: submissions.id })
  ).length;
}
