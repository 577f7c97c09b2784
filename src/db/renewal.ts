// Lessons of older features versions, and putting new ones in their place. A lesson never changes: the log says which
// replaces which, so that whoever folds it counts each once.
import { and, asc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import type { Label } from '../submission.ts';
import type { Db } from './client.ts';
import { lockSubmissions, type NewLesson } from './decision-writes.ts';
import { appendLog, insertLessons } from './log.ts';
import { lessons, submissions } from './schema.ts';
import type { Submission } from './submissions.ts';

/** A lesson that stands, of an older features version, whose submission still has its text. */
export interface OldLesson {
  id: number;
  label: Label;
  submission: Submission;
}

/** A site's old lessons in the order of their ids, after `afterId`. */
export async function oldLessons(
  db: Db,
  siteId: string,
  featuresVersion: number,
  { afterId, limit }: { afterId: number; limit: number },
): Promise<OldLesson[]> {
  // One look-up each, as for all lessons that stand: see log.ts.
  const standing = db
    .select({ id: submissions.id })
    .from(submissions)
    .where(
      and(
        eq(submissions.id, lessons.submissionId),
        eq(submissions.lessonId, lessons.id),
        lt(lessons.featuresVersion, featuresVersion),
        sql`(${submissions.content} <> '' or ${submissions.title} is not null)`,
      ),
    )
    .limit(1)
    .as('standing');
  const old = await db
    .select({ id: lessons.id, label: lessons.label, submissionId: lessons.submissionId })
    .from(lessons)
    .innerJoinLateral(standing, sql`true`)
    .where(and(eq(lessons.siteId, siteId), gt(lessons.id, afterId)))
    .orderBy(asc(lessons.id))
    .limit(limit);
  const ids = old.map(({ submissionId }) => submissionId);
  const found = ids.length === 0 ? [] : await db.select().from(submissions).where(inArray(submissions.id, ids));
  const byId = new Map(found.map((submission) => [submission.id, submission]));
  return old.map(({ id, label, submissionId }) => ({ id, label, submission: byId.get(submissionId) as Submission }));
}

/** Replaces those lessons of a site that still stand, as one entry of its log. */
export async function replaceLessons(
  db: Db,
  siteId: string,
  renewed: readonly (OldLesson & NewLesson)[],
  now: Date,
): Promise<void> {
  const ids = renewed.map(({ submission }) => submission.id);
  await db.transaction(async (tx) => {
    const locked = await lockSubmissions(tx, ids, siteId);
    const standing = renewed.filter(({ id, submission }) => locked.get(submission.id)?.lessonId === id);
    if (standing.length === 0) return;
    const learned = await insertLessons(
      tx,
      standing.map(({ submission, label, features, featuresVersion, surprise }) => ({
        siteId,
        submissionId: submission.id,
        label,
        features,
        featuresVersion,
        surprise,
      })),
    );
    const changes = standing.map(({ submission }, index) => ({ id: submission.id, lesson: learned[index] }));
    await tx.execute(sql`
      update submissions s set lesson_id = x.lesson
      from jsonb_to_recordset(${JSON.stringify(changes)}::jsonb) as x(id uuid, lesson bigint)
      where s.id = x.id`);
    const unlearned = standing.map(({ id }) => id);
    await appendLog(tx, { siteId, at: now, kind: 'extract', decisionId: null, learned, unlearned });
  });
}
