// Submissions: stored once, moved only through a guard on the status and version that the mover saw.
import { and, desc, eq, inArray, isNotNull, isNull, ne, sql } from 'drizzle-orm';
import type { Status } from '../submission.ts';
import type { Db } from './client.ts';
import { rows, violatedConstraint } from './client.ts';
import { recordPolicy } from './decision-writes.ts';
import { moves, submissions, type Verdict } from './schema.ts';

export type Submission = typeof submissions.$inferSelect;
export type NewSubmission = typeof submissions.$inferInsert;

/** How many approved texts under a target are looked at as its thread, and how much of each. */
const threadTexts = 20;
const threadChars = 2_000;

/** What policy does with a submission that would otherwise wait for a moderator. */
export interface PolicyOutcome {
  to: 'spam' | 'approved';
  reason: string;
}

/**
 * Stores a submission and the beginning of its history; `policy` may put it aside or publish it at once. Null if the
 * site already has one of the same ping key or `ref`, which the caller then looks up.
 */
export async function insertSubmission(
  db: Db,
  row: NewSubmission,
  move: { actor: string; reason: string; policy: PolicyOutcome | null },
): Promise<Submission | null> {
  try {
    return await db.transaction(async (tx) => {
      const [stored] = await tx.insert(submissions).values(row).returning();
      if (stored === undefined) throw new Error('a submission was not stored');
      const { actor, reason, policy } = move;
      await tx
        .insert(moves)
        .values({ submissionId: stored.id, at: stored.receivedAt, from: null, to: stored.status, actor, reason });
      return policy === null ? stored : await applyPolicy(tx, stored, policy, stored.receivedAt);
    });
  } catch (error) {
    const constraint = violatedConstraint(error);
    if (constraint === 'submissions_ping' || constraint === 'submissions_ref') return null;
    throw error;
  }
}

async function applyPolicy(
  tx: Db,
  submission: Pick<Submission, 'id' | 'siteId'>,
  policy: PolicyOutcome,
  now: Date,
): Promise<Submission> {
  const action = policy.to === 'spam' ? 'spam' : 'approve';
  const decisionId = await recordPolicy(tx, submission, { action, ...policy, now });
  const [moved] = await tx
    .update(submissions)
    .set({ status: policy.to, decisionId, publishedAt: policy.to === 'approved' ? now : null })
    .where(eq(submissions.id, submission.id))
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
  change?: Partial<NewSubmission>;
  /** What policy does once the submission is held. */
  policy?: PolicyOutcome | null;
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
        status: move.to,
        version: seen.version + 1,
        updatedAt: move.now,
        publishedAt: sql`case when ${move.to}::text = 'approved' then coalesce(${submissions.publishedAt}, ${move.now.toISOString()}::timestamptz) else ${submissions.publishedAt} end`,
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
    if (move.policy) await applyPolicy(tx, moved[0] as { id: string; siteId: string }, move.policy, move.now);
    return true;
  });
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

/** Ends a lease without a move, and says when the source is due next; a due time set by somebody else meanwhile stays. */
export async function endLease(db: Db, leased: Submission, dueAt: Date | null): Promise<void> {
  await db
    .update(submissions)
    .set({ leasedUntil: null, dueAt: nextDue(leased, dueAt) })
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
    .set({ verdict, probability: verdict.probability, verdictN: verdict.n, judgedAt: now })
    .where(and(eq(submissions.id, seen.id), eq(submissions.version, seen.version)));
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
