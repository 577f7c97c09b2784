// Decisions of moderators: states, history, lessons and log change in one transaction or not at all. What they teach is
// made ready before it. Taking back is in undo.ts, reading in audit.ts.
import { and, eq, inArray } from 'drizzle-orm';
import { v7 as newId } from 'uuid';
import { type Action, isLegalMove, labelAfter, type Status, statusAfter } from '../submission.ts';
import type { Db } from './client.ts';
import {
  type LessonOf,
  lockSubmissions,
  type Prepared,
  prepareLessons,
  teach,
  writeChanges,
} from './decision-writes.ts';
import { decisions, moves, type Verdict } from './schema.ts';
import type { Submission } from './submissions.ts';

export type Decision = typeof decisions.$inferSelect;

/** What became of one submission; `code` says why it was left as it was. */
export interface DecisionResult {
  id: string;
  ok: boolean;
  from: Status | null;
  to: Status | null;
  code?: 'moderate.not_found' | 'moderate.illegal_move' | 'moderate.status_changed' | 'superseded';
}

export interface DecisionRequest {
  action: Action;
  ids: readonly string[];
  /** The status that the moderator saw; others are left alone. Undefined: any. */
  from: Status | undefined;
  /** The versions that the moderator's filter found; a submission that has another by now is left alone. */
  versions?: ReadonlyMap<string, number>;
  actor: string;
  /** The site that the moderator is bound to; submissions of others are not found. */
  siteId: string | null;
  note: string | null;
  now: Date;
}

/** What deciding came to; `sites` are those whose log has grown. */
export interface Decided {
  decision: Decision | null;
  results: DecisionResult[];
  sites: string[];
}

/** How often a decision is begun again because a worker changed a text in between; once is rare. */
const mostTries = 5;

/**
 * Decides on submissions. Where all that may be changed were decided so before, the decision that stands is answered and
 * nothing is written.
 */
export async function decide(db: Db, request: DecisionRequest, lessonOf: LessonOf): Promise<Decided> {
  for (let tries = 0; tries < mostTries; tries++) {
    // Outside the transaction: a lesson needs the model, and whoever brings that up to date needs a connection too. The
    // embedded database has only the one that the transaction would hold.
    const label = labelAfter[request.action];
    const lessons = label === null ? new Map() : await prepareLessons(db, request, label, lessonOf);
    const decided = await decideWith(db, request, lessons);
    if (decided !== 'changed') return decided;
  }
  throw new Error('submissions changed again and again while they were decided on');
}

/** Decides with lessons that are ready; `changed`, and nothing written, if they are not those of the texts as they are now. */
async function decideWith(
  db: Db,
  request: DecisionRequest,
  lessons: ReadonlyMap<string, Prepared>,
): Promise<Decided | 'changed'> {
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
    const label = labelAfter[request.action];
    const taught = label === null ? new Map<string, number>() : await teach(tx, changing, label, lessons);
    if (taught === 'changed') return taught;

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
    const scores = await scoresBefore(tx, changing);
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
        ...scores.get(submission.id),
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

/** What was thought of a submission before any moderator's word on it was learned. */
interface Score {
  probability: number | null;
  outcome: Verdict['outcome'] | null;
}

/**
 * The scores to hold decisions against: of the verdict that there is, or where a lesson stands, whose answer a later
 * verdict may have seen, those that the decision behind the lesson was held against.
 */
async function scoresBefore(tx: Db, changing: readonly Submission[]): Promise<Map<string, Score>> {
  const scores = new Map<string, Score>();
  for (const { id, probability, verdict } of changing)
    scores.set(id, { probability, outcome: verdict?.wouldBe ?? verdict?.outcome ?? null });
  const taught = changing.filter(({ lessonId }) => lessonId !== null);
  if (taught.length === 0) return scores;
  const ids = taught.map(({ id }) => id);
  const standing = [...new Set(taught.map(({ decisionId }) => decisionId).filter((id) => id !== null))];
  const made = await tx
    .select({ id: moves.submissionId, decision: moves.decisionId, score: scoreColumns })
    .from(moves)
    .where(and(inArray(moves.submissionId, ids), inArray(moves.decisionId, standing), eq(moves.undo, false)));
  const byPlace = new Map(made.map(({ id, decision, score }) => [`${decision} ${id}`, score]));
  for (const { id, decisionId } of taught)
    scores.set(id, byPlace.get(`${decisionId} ${id}`) ?? { probability: null, outcome: null });
  return scores;
}

const scoreColumns = { probability: moves.probability, outcome: moves.outcome };

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
  const changed = (request.versions?.get(id) ?? submission.version) !== submission.version;
  if (changed || (request.from !== undefined && request.from !== from))
    return { id, ok: false, from, to: from, code: 'moderate.status_changed' };
  if (!isLegalMove('moderator', from, to)) return { id, ok: false, from, to: from, code: 'moderate.illegal_move' };
  return { id, ok: true, from, to };
}

/**
 * The same action again: the decision that stands says so already. What policy did may be confirmed, which teaches.
 */
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
