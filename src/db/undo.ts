// Taking decisions back: states, history, lessons and log change in one transaction or not at all.
import { and, asc, eq, inArray, isNotNull } from 'drizzle-orm';
import type { Status } from '../submission.ts';
import type { Db } from './client.ts';
import { type Change, lockSubmissions, writeChanges } from './decision-writes.ts';
import type { Decided, Decision, DecisionResult } from './decisions.ts';
import { decisions, moves } from './schema.ts';
import type { Submission } from './submissions.ts';

/**
 * Takes a decision back. Where it is the submission's latest that stands, the state before it is restored; where a later
 * one stands, nothing changes now, but undoing that one leads past this. So decisions may be undone in any order, and all
 * undone is as if none had been made. Null if there is no such decision in sight of `siteId`; `other_sites` if it was made
 * for others too.
 */
export async function undo(
  db: Db,
  request: { id: string; actor: string; siteId: string | null; now: Date },
): Promise<(Decided & { decision: Decision }) | 'already_undone' | 'other_sites' | null> {
  return db.transaction(async (tx) => {
    const [found] = await tx.select().from(decisions).where(eq(decisions.id, request.id)).for('update');
    if (found === undefined) return null;
    const taken = await tx
      .select()
      .from(moves)
      .where(and(eq(moves.decisionId, found.id), eq(moves.undo, false)))
      .orderBy(asc(moves.id));
    const locked = await lockSubmissions(
      tx,
      taken.map((move) => move.submissionId),
      request.siteId,
    );
    if (locked.size < taken.length) return locked.size === 0 ? null : 'other_sites';
    if (found.undoneAt !== null) return 'already_undone';

    const befores = await statesBefore(tx, taken);
    const restorings = befores.map((before) =>
      restoring(locked.get(before.submissionId) as Submission, found.id, before),
    );
    const results = restorings.map(({ submission, change }) => resultOfUndo(submission, change));
    const changes = restorings.map(({ change }) => change).filter((change) => change !== null);
    const at = { at: request.now, actor: request.actor, decisionId: found.id, undo: true };
    const undoing = changes.map(({ submission: { id, status: from }, status: to }) => ({
      submissionId: id,
      from,
      to,
      ...at,
    }));
    if (undoing.length > 0) await tx.insert(moves).values(undoing);
    const sites = await writeChanges(tx, changes, { kind: 'undo', decisionId: found.id, now: request.now });
    const [decision] = await tx
      .update(decisions)
      .set({ undoneAt: request.now, undoneBy: request.actor })
      .where(eq(decisions.id, found.id))
      .returning();
    if (decision === undefined) throw new Error('a decision vanished while it was undone');
    return { decision, results, sites };
  });
}

/** What a submission was before a decision moved it. */
interface Before {
  submissionId: string;
  status: Status | null;
  lessonId: number | null;
  decisionId: string | null;
}

/** The states before moves, past decisions that have been undone since: those were to leave no trace. */
async function statesBefore(tx: Db, taken: readonly Move[]): Promise<Before[]> {
  const states = taken.map(stateBefore);
  for (;;) {
    const ids = [...new Set(states.map(({ decisionId }) => decisionId).filter((id) => id !== null))];
    if (ids.length === 0) return states;
    const undone = await tx
      .select({ move: moves })
      .from(moves)
      .innerJoin(decisions, eq(decisions.id, moves.decisionId))
      .where(
        and(
          inArray(moves.decisionId, ids),
          inArray(
            moves.submissionId,
            states.map(({ submissionId }) => submissionId),
          ),
          eq(moves.undo, false),
          isNotNull(decisions.undoneAt),
        ),
      );
    if (undone.length === 0) return states;
    const byPlace = new Map(undone.map(({ move }) => [`${move.decisionId} ${move.submissionId}`, move]));
    for (const [index, state] of states.entries()) {
      const move = byPlace.get(`${state.decisionId} ${state.submissionId}`);
      if (move !== undefined) states[index] = stateBefore(move);
    }
  }
}

type Move = typeof moves.$inferSelect;

function stateBefore({ submissionId, from, lessonBefore, decisionBefore }: Move): Before {
  return { submissionId, status: from, lessonId: lessonBefore, decisionId: decisionBefore };
}

/** What undoing makes of a submission; null if a later decision, or its erasure, stands in the way. */
function restoring(
  submission: Submission,
  undone: string,
  { status, lessonId, decisionId }: Before,
): { submission: Submission; change: Change | null } {
  if (submission.decisionId !== undone || submission.status === 'erased' || status === null)
    return { submission, change: null };
  // Its source went away meanwhile: that stays true, and only what it would come back as is restored.
  const isRemoved = submission.status === 'removed';
  const states = isRemoved ? { status: 'removed' as const, formerStatus: status } : { status, formerStatus: null };
  return { submission, change: { submission, ...states, lessonId, decisionId } };
}

function resultOfUndo({ id, status: from }: Submission, change: Change | null): DecisionResult {
  if (change === null) return { id, ok: false, from, to: from, code: 'superseded' };
  return { id, ok: true, from, to: change.status };
}
