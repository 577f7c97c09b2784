// Decisions of moderators, and taking them back: states, history, lessons and log change in one transaction or not at all.
import { and, asc, desc, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { v7 as newId } from 'uuid';
import { type Action, isLegalMove, labelAfter, type Status, statusAfter } from '../submission.ts';
import type { Db } from './client.ts';
import { type Change, type LessonOf, lockSubmissions, teach, writeChanges } from './decision-writes.ts';
import { decisions, moves } from './schema.ts';
import type { Submission } from './submissions.ts';

export type Decision = typeof decisions.$inferSelect;

/** What became of one submission; `code` says why it was left as it was. */
export interface DecisionResult {
  id: string;
  ok: boolean;
  from: Status | null;
  to: Status | null;
  code?: 'moderate.not_found' | 'moderate.illegal_move' | 'moderate.status_changed' | 'moderate.superseded';
}

export interface DecisionRequest {
  action: Action;
  ids: readonly string[];
  /** The status that the moderator saw; others are left alone. Undefined: any. */
  from: Status | undefined;
  actor: string;
  /** The site that the moderator is bound to; submissions of others are not found. */
  siteId: string | null;
  note: string | null;
  now: Date;
}

/**
 * Decides on submissions. Where all that may be changed were decided so before, the decision that stands is answered and
 * nothing is written. `sites` are those whose log has grown.
 */
export async function decide(
  db: Db,
  request: DecisionRequest,
  lessonOf: LessonOf,
): Promise<{ decision: Decision | null; results: DecisionResult[]; sites: string[] }> {
  return db.transaction(async (tx) => {
    const locked = await lockSubmissions(tx, request.ids, request.siteId);
    const standing = await standingDecisions(tx, [...locked.values()]);
    const changing: Submission[] = [];
    const results = request.ids.map((id) => {
      const submission = locked.get(id);
      const before = submission?.decisionId ? standing.get(submission.decisionId) : undefined;
      const result = outcome(request, id, submission, before);
      if (submission !== undefined && result.ok && !isRepeat(request, submission, before)) changing.push(submission);
      return result;
    });
    if (changing.length === 0) return { decision: repeated(request, locked, standing), results, sites: [] };

    const to = statusAfter[request.action];
    const [decision] = await tx
      .insert(decisions)
      .values({
        id: newId(),
        action: request.action,
        actor: request.actor,
        siteId: request.siteId,
        note: request.note,
        at: request.now,
      })
      .returning();
    if (decision === undefined) throw new Error('a decision was not stored');
    const taught = await teach(tx, changing, labelAfter[request.action], lessonOf);
    await tx.insert(moves).values(
      changing.map((submission) => ({
        submissionId: submission.id,
        at: request.now,
        from: submission.status,
        to,
        actor: request.actor,
        reason: request.note,
        decisionId: decision.id,
        lessonBefore: submission.lessonId,
        decisionBefore: submission.decisionId,
      })),
    );
    const changes = changing.map((submission) => ({
      submission,
      status: to,
      formerStatus: null,
      lessonId: taught.get(submission.id) ?? null,
      decisionId: decision.id,
    }));
    const sites = await writeChanges(tx, changes, { kind: 'decide', decisionId: decision.id, now: request.now });
    return { decision, results, sites };
  });
}

/** Takes a decision back where it is still the submission's latest. Null if there is no such decision in sight of `siteId`. */
export async function undo(
  db: Db,
  request: { id: string; actor: string; siteId: string | null; now: Date },
): Promise<{ decision: Decision; results: DecisionResult[]; sites: string[] } | 'already_undone' | null> {
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
    // A moderator bound to one site cannot take back what was decided for others too.
    if (locked.size < taken.length) return null;
    if (found.undoneAt !== null) return 'already_undone';

    const results: DecisionResult[] = [];
    const changes: Change[] = [];
    for (const move of taken) {
      const submission = locked.get(move.submissionId);
      if (submission === undefined) continue;
      const change = restored(submission, move);
      results.push(resultOfUndo(move.submissionId, submission, change));
      if (change !== null) changes.push(change);
    }
    const at = { at: request.now, actor: request.actor, decisionId: found.id, undo: true };
    if (changes.length > 0) {
      await tx.insert(moves).values(
        changes.map(({ submission, status }) => ({
          submissionId: submission.id,
          from: submission.status,
          to: status,
          ...at,
        })),
      );
    }
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

/** Decisions in sight of a site (null: all), newest first, before arrival number `before`. */
export async function listDecisions(
  db: Db,
  query: { siteId: string | null; actor: string | null; before: number | null; limit: number },
): Promise<(Decision & { submissions: number })[]> {
  const { siteId, actor, before, limit } = query;
  const found = await db
    .select({ decision: decisions, submissions: countOfMoves })
    .from(decisions)
    .where(
      and(
        siteId === null ? undefined : touchesOnly(siteId),
        actor === null ? undefined : eq(decisions.actor, actor),
        before === null ? undefined : lt(decisions.seq, before),
      ),
    )
    .orderBy(desc(decisions.seq))
    .limit(limit);
  return found.map((row) => ({ ...row.decision, submissions: Number(row.submissions) }));
}

/** One decision with what it did to each submission; null if there is none in sight of `siteId`. */
export async function getDecision(
  db: Db,
  id: string,
  siteId: string | null,
): Promise<{ decision: Decision; results: DecisionResult[] } | null> {
  const [decision] = await db
    .select()
    .from(decisions)
    .where(and(eq(decisions.id, id), siteId === null ? undefined : touchesOnly(siteId)));
  if (decision === undefined) return null;
  const taken = await db
    .select()
    .from(moves)
    .where(and(eq(moves.decisionId, id), eq(moves.undo, false)))
    .orderBy(asc(moves.id));
  return { decision, results: taken.map(({ submissionId, from, to }) => ({ id: submissionId, ok: true, from, to })) };
}

const countOfMoves = sql<
  string | number
>`(select count(*) from moves where moves.decision_id = decisions.id and not moves.undo)`;

/** A decision belongs to a site if it was made for it, or if all that it moved is the site's. */
function touchesOnly(siteId: string) {
  return or(
    eq(decisions.siteId, siteId),
    and(
      isNull(decisions.siteId),
      sql`not exists (select 1 from moves join submissions s on s.id = moves.submission_id
          where moves.decision_id = decisions.id and s.site_id <> ${siteId})`,
    ),
  );
}

async function standingDecisions(tx: Db, locked: readonly Submission[]): Promise<Map<string, Decision>> {
  const ids = [...new Set(locked.map((submission) => submission.decisionId).filter((id) => id !== null))];
  const found = ids.length === 0 ? [] : await tx.select().from(decisions).where(inArray(decisions.id, ids));
  return new Map(found.map((decision) => [decision.id, decision]));
}

function outcome(
  request: DecisionRequest,
  id: string,
  submission: Submission | undefined,
  before: Decision | undefined,
): DecisionResult {
  if (submission === undefined) return { id, ok: false, from: null, to: null, code: 'moderate.not_found' };
  const from = submission.status;
  const to = statusAfter[request.action];
  if (isRepeat(request, submission, before)) return { id, ok: true, from, to };
  if (request.from !== undefined && request.from !== from)
    return { id, ok: false, from, to: from, code: 'moderate.status_changed' };
  if (!isLegalMove('moderator', from, to)) return { id, ok: false, from, to: from, code: 'moderate.illegal_move' };
  return { id, ok: true, from, to };
}

/** The same action again: the decision that stands says so already. What policy did may be confirmed, which teaches. */
function isRepeat(request: DecisionRequest, submission: Submission, before: Decision | undefined): boolean {
  return (
    before !== undefined &&
    before.actor !== 'policy' &&
    before.action === request.action &&
    submission.status === statusAfter[request.action]
  );
}

function repeated(
  request: DecisionRequest,
  locked: Map<string, Submission>,
  standing: Map<string, Decision>,
): Decision | null {
  for (const id of request.ids) {
    const submission = locked.get(id);
    const before = submission?.decisionId ? standing.get(submission.decisionId) : undefined;
    if (submission !== undefined && before !== undefined && isRepeat(request, submission, before)) return before;
  }
  return null;
}

/** What undoing a move makes of its submission; null if a later decision, or its erasure, stands in the way. */
function restored(submission: Submission, move: typeof moves.$inferSelect): Change | null {
  if (submission.decisionId !== move.decisionId || submission.status === 'erased' || move.from === null) return null;
  const former = { lessonId: move.lessonBefore, decisionId: move.decisionBefore };
  // Its source went away meanwhile: that stays true, and only what it would come back as is restored.
  if (submission.status === 'removed') return { submission, status: 'removed', formerStatus: move.from, ...former };
  return { submission, status: move.from, formerStatus: null, ...former };
}

function resultOfUndo(id: string, submission: Submission, change: Change | null): DecisionResult {
  const from = submission.status;
  if (change === null) return { id, ok: false, from, to: from, code: 'moderate.superseded' };
  return { id, ok: true, from, to: change.status };
}
