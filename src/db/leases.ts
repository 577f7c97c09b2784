// The queue of sources to be looked at: a row with a due time. A worker leases it, works without a transaction, and ends
// the lease; a lease that runs out is taken over. A lease is ended only by who holds it.
import { and, eq, gt, isNotNull, isNull, lte, or, sql } from 'drizzle-orm';
import type { Kind } from '../submission.ts';
import type { Db } from './client.ts';
import { sites, submissions, targets } from './schema.ts';
import type { Submission } from './submissions.ts';

/** Attempts are counted no further: the column holds 32,767. */
const mostAttempts = 1_000;

/** Gives a ping the kind of a stronger one for the same page. Whoever is looking at it has to look again. */
export async function upgradeKind(db: Db, id: string, kind: Kind): Promise<void> {
  await db
    .update(submissions)
    .set({ kind, version: sql`${submissions.version} + 1` })
    .where(eq(submissions.id, id));
}

/**
 * Makes a source due to be looked at, unless it is waiting for that already: a flood of repeats neither hurries nor renews
 * the attempts. One that is being looked at now becomes due once more.
 */
export async function makeDue(db: Db, id: string, dueAt: Date, now: Date): Promise<void> {
  await db
    .update(submissions)
    .set({ dueAt, attempts: 0 })
    .where(and(eq(submissions.id, id), or(isNull(submissions.dueAt), gt(submissions.leasedUntil, now))));
}

/** Leases the ping whose source is due first, for `leaseMs`, and counts the attempt; null if none is. */
export async function leaseDue(db: Db, now: Date, leaseMs: number): Promise<Submission | null> {
  const at = now.toISOString();
  const [row] = await db
    .update(submissions)
    .set(lease(now, leaseMs))
    .where(
      eq(
        submissions.id,
        sql`(select id from submissions where due_at <= ${at}::timestamptz
             and (leased_until is null or leased_until <= ${at}::timestamptz)
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
    .set(lease(now, leaseMs))
    .where(and(eq(submissions.id, id), or(isNull(submissions.leasedUntil), lte(submissions.leasedUntil, now))))
    .returning();
  return row ?? null;
}

function lease(now: Date, leaseMs: number) {
  return {
    leasedUntil: new Date(now.getTime() + leaseMs),
    attempts: sql`least(${submissions.attempts} + 1, ${mostAttempts})`,
  };
}

/** Ends a lease without a move, and says when the source is due next; a due time set by somebody else meanwhile stays. */
export async function endLease(db: Db, leased: Submission, dueAt: Date | null, now: Date): Promise<void> {
  await db
    .update(submissions)
    .set({ leasedUntil: null, dueAt: nextDue(leased, dueAt), lastFetchAt: now })
    .where(held(leased));
}

/** Ends a lease whose source was not looked at: the attempt does not count. */
export async function postpone(db: Db, leased: Submission, dueAt: Date): Promise<void> {
  await db
    .update(submissions)
    .set({ leasedUntil: null, dueAt: nextDue(leased, dueAt), attempts: Math.max(0, leased.attempts - 1) })
    .where(held(leased));
}

function held(leased: Submission) {
  const until = leased.leasedUntil ?? new Date(0);
  return and(eq(submissions.id, leased.id), eq(submissions.leasedUntil, until));
}

/** The due time to write after work on a lease: a repeat that came in meanwhile is not forgotten. */
export function nextDue(leased: Submission, dueAt: Date | null) {
  const was = leased.dueAt === null ? null : leased.dueAt.toISOString();
  const next = dueAt === null ? null : dueAt.toISOString();
  return sql<Date | null>`case when ${submissions.dueAt} is not distinct from ${was}::timestamptz then ${next}::timestamptz else ${submissions.dueAt} end`;
}

/** Ends all leases: for a start when no other process can hold one. */
export async function releaseLeases(db: Db): Promise<void> {
  for (const table of [submissions, targets]) {
    await db
      .update(table)
      .set({ leasedUntil: null })
      .where(and(isNotNull(table.dueAt), isNotNull(table.leasedUntil)));
  }
  await db.update(sites).set({ refitLeasedUntil: null }).where(isNotNull(sites.refitLeasedUntil));
}
