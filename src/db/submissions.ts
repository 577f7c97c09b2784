// Submissions: stored once, moved only through a guard on the status and version that the mover saw.
import { and, eq, inArray, isNotNull, lt, ne, notInArray, sql } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import { isLegalMove, type Status } from '../submission.ts';
import { type Db, violatedConstraint } from './client.ts';
import { recordPolicy } from './decision-writes.ts';
import { moves, submissions, type Verdict } from './schema.ts';
import { verdictColumns } from './verdicts.ts';

export type Submission = typeof submissions.$inferSelect;
export type NewSubmission = typeof submissions.$inferInsert;

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
  // The last reason is the one that the outcome rests on.
  const reason = verdict.reasons.at(-1)?.detail ?? '';
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

/** The sites that submissions belong to. */
export async function sitesOf(db: Db, ids: readonly string[]): Promise<string[]> {
  const found = await db
    .selectDistinct({ siteId: submissions.siteId })
    .from(submissions)
    .where(inArray(submissions.id, [...ids]));
  return found.map(({ siteId }) => siteId);
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
  if (move.to !== seen.status && !isLegalMove('worker', seen.status, move.to)) {
    throw new Error(`a worker may not move a submission from ${seen.status} to ${move.to}`);
  }
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

/**
 * Drops the texts of linking pages whose submissions wait for nobody and have not changed since a time. Answers how many
 * were dropped.
 */
export async function forgetSourceTexts(db: Db, before: Date, limit: number): Promise<number> {
  const old = db
    .select({ id: submissions.id })
    .from(submissions)
    .where(
      and(
        isNotNull(submissions.sourceText),
        notInArray(submissions.status, ['received', 'held']),
        lt(submissions.updatedAt, before),
      ),
    )
    .limit(limit);
  return (
    await db
      .update(submissions)
      .set({ sourceText: null })
      .where(inArray(submissions.id, old))
      .returning({ id: submissions.id })
  ).length;
}
