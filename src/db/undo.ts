// Taking decisions back: states, history, lessons and log change in one transaction or not at all.
import { and, asc, eq } from 'drizzle-orm';
import type { Db } from './client.ts';
import { type Change, lockSubmissions, writeChanges } from './decision-writes.ts';
import type { Decided, Decision, DecisionResult } from './decisions.ts';
import { decisions, moves } from './schema.ts';
import type { Submission } from './submissions.ts';

/**
 * Takes a decision back where it is still the submission's latest. One that is nowhere the latest is left as it is: once
 * the later ones are undone, it can be. Null if there is no such decision in sight of `siteId`; `other_sites` if it was
 * made for others too.
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

    const restorings = taken.map((move) => restoring(locked.get(move.submissionId) as Submission, move));
    const results = restorings.map(({ submission, change }) => resultOfUndo(submission, change));
    const changes = restorings.map(({ change }) => change).filter((change) => change !== null);
    if (changes.length === 0) return { decision: found, results, sites: [] };
    const at = { at: request.now, actor: request.actor, decisionId: found.id, undo: true };
    await tx.insert(moves).values(
      changes.map(({ submission, status }) => ({
        submissionId: submission.id,
        from: submission.status,
        to: status,
        ...at,
      })),
    );
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

/** What undoing a move makes of its submission; null if a later decision, or its erasure, stands in the way. */
function restoring(
  submission: Submission,
  move: typeof moves.$inferSelect,
): { submission: Submission; change: Change | null } {
  const isLatest = submission.decisionId === move.decisionId;
  if (!isLatest || submission.status === 'erased' || move.from === null) return { submission, change: null };
  const former = { lessonId: move.lessonBefore, decisionId: move.decisionBefore };
  // Its source went away meanwhile: that stays true, and only what it would come back as is restored.
  const isRemoved = submission.status === 'removed';
  const states = isRemoved
    ? { status: 'removed' as const, formerStatus: move.from }
    : { status: move.from, formerStatus: null };
  return { submission, change: { submission, ...states, ...former } };
}

function resultOfUndo({ id, status: from }: Submission, change: Change | null): DecisionResult {
  if (change === null) return { id, ok: false, from, to: from, code: 'superseded' };
  return { id, ok: true, from, to: change.status };
}
