// The parts of deciding and undoing that write: locking, lessons, the changed rows and the log. Called inside a transaction.
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { v7 as newId } from 'uuid';
import { type Action, isLegalMove, type Label, type Status } from '../submission.ts';
import type { Db } from './client.ts';
import { appendLog, insertLessons } from './log.ts';
import { decisions, moves, submissions } from './schema.ts';
import type { Submission } from './submissions.ts';
import { outdateCopies } from './verdicts.ts';

/** What a decision teaches: hashed features, and by how many sixteenths the model missed the label before it. */
export interface NewLesson {
  features: Uint8Array;
  featuresVersion: number;
  surprise: number;
}

/** What labelling a submission teaches, at the time of the decision. */
export type LessonOf = (db: Db, submission: Submission, label: Label) => Promise<NewLesson>;

/** What a decision makes of one submission. */
export interface Change {
  submission: Submission;
  status: Status;
  formerStatus: Status | null;
  lessonId: number | null;
  decisionId: string | null;
}

/** Locks submissions, in the order of their ids so that two deciders never wait for each other in a circle. */
export async function lockSubmissions(
  tx: Db,
  ids: readonly string[],
  siteId: string | null,
): Promise<Map<string, Submission>> {
  const found = await tx
    .select()
    .from(submissions)
    .where(among(ids, siteId))
    .orderBy(asc(submissions.id))
    .for('update');
  return new Map(found.map((submission) => [submission.id, submission]));
}

function among(ids: readonly string[], siteId: string | null) {
  return and(inArray(submissions.id, [...ids]), siteId === null ? undefined : eq(submissions.siteId, siteId));
}

/** A lesson that is not stored yet, and the text that it was made of. */
export interface Prepared extends NewLesson {
  text: string;
}

/** Makes the lessons of all submissions that may be decided on ready. */
export async function prepareLessons(
  db: Db,
  request: { ids: readonly string[]; siteId: string | null },
  label: Label,
  lessonOf: LessonOf,
): Promise<Map<string, Prepared>> {
  const found = await db.select().from(submissions).where(among(request.ids, request.siteId));
  const lessons = new Map<string, Prepared>();
  for (const submission of found) {
    // All that a moderator can decide on can be held.
    if (isLegalMove('moderator', submission.status, 'held'))
      lessons.set(submission.id, { ...(await lessonOf(db, submission, label)), text: textOf(submission) });
  }
  return lessons;
}

/** All that a lesson is made of. */
function textOf(submission: Submission): string {
  const { kind, authorName, authorEmail, authorUrl, title, content, source, sourceText, signals } = submission;
  return JSON.stringify([kind, authorName, authorEmail, authorUrl, title, content, source, sourceText, signals]);
}

/** Stores what the submissions teach under a label, and answers the lesson of each; `changed` if one has another text by now. */
export async function teach(
  tx: Db,
  taught: readonly Submission[],
  label: Label,
  prepared: ReadonlyMap<string, Prepared>,
): Promise<Map<string, number> | 'changed'> {
  const lessons = [];
  for (const submission of taught) {
    const lesson = prepared.get(submission.id);
    if (lesson === undefined || lesson.text !== textOf(submission)) return 'changed';
    const { features, featuresVersion, surprise } = lesson;
    lessons.push({
      siteId: submission.siteId,
      submissionId: submission.id,
      label,
      features,
      featuresVersion,
      surprise,
    });
  }
  const ids = await insertLessons(tx, lessons);
  return new Map(taught.map((submission, index) => [submission.id, ids[index] as number]));
}

/** Writes changed submissions and, for each site whose lessons changed, a log entry. Answers those sites. */
export async function writeChanges(
  tx: Db,
  changes: readonly Change[],
  entry: { kind: 'decide' | 'undo'; decisionId: string; now: Date },
): Promise<string[]> {
  if (changes.length === 0) return [];
  const at = entry.now.toISOString();
  const rows = changes.map(({ submission, status, formerStatus, lessonId, decisionId }) => ({
    id: submission.id,
    status,
    former: formerStatus,
    lesson: lessonId,
    decision: decisionId,
  }));
  await tx.execute(sql`
    update submissions s set
      status = x.status, former_status = x.former, lesson_id = x.lesson, decision_id = x.decision,
      version = s.version + 1, updated_at = ${at}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as x(id uuid, status text, former text, lesson bigint, decision uuid)
    where s.id = x.id`);
  await outdateCopies(
    tx,
    changes.filter(({ submission, lessonId }) => submission.lessonId !== lessonId).map(({ submission }) => submission),
  );

  const sites = [...new Set(changes.map(({ submission }) => submission.siteId))].sort();
  const grown: string[] = [];
  for (const siteId of sites) {
    const changed = changes.filter(
      ({ submission, lessonId }) => submission.siteId === siteId && submission.lessonId !== lessonId,
    );
    const learned = changed.map(({ lessonId }) => lessonId).filter((id) => id !== null);
    const unlearned = changed.map(({ submission }) => submission.lessonId).filter((id) => id !== null);
    if (learned.length + unlearned.length === 0) continue;
    await appendLog(tx, { siteId, at: entry.now, kind: entry.kind, decisionId: entry.decisionId, learned, unlearned });
    grown.push(siteId);
  }
  return grown;
}

/**
 * Records that policy put a stored submission aside or published it, as a decision that a moderator can read and take
 * back. It teaches nothing.
 */
export async function recordPolicy(
  tx: Db,
  submission: Pick<Submission, 'id' | 'siteId'>,
  policy: { action: Action; to: Status; reason: string; now: Date },
): Promise<string> {
  const id = newId();
  const { action, to, reason, now } = policy;
  await tx.insert(decisions).values({ id, action, actor: 'policy', siteId: submission.siteId, note: reason, at: now });
  await tx
    .insert(moves)
    .values({ submissionId: submission.id, at: now, from: 'held', to, actor: 'policy', reason, decisionId: id });
  return id;
}
