// What has been approved under a target: for the world, for pingback clients, and for judging what belongs there.
import { and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { submissions } from './schema.ts';
import type { Submission } from './submissions.ts';

/** How many approved texts under a target are looked at as its thread, and how much of each. */
const threadTexts = 20;
const threadChars = 2_000;

const approvedBelow = (targetId: string) => and(eq(submissions.targetId, targetId), eq(submissions.status, 'approved'));

/** Texts already approved under a target, newest first, for judging what belongs there; `except` is left out. */
export async function approvedTexts(db: Db, targetId: string, except: string | null): Promise<string[]> {
  const found = await db
    .select({
      id: submissions.id,
      text: sql<string>`left(concat_ws(' ', ${submissions.title}, ${submissions.content}), ${threadChars})`,
    })
    .from(submissions)
    .where(approvedBelow(targetId))
    .orderBy(desc(submissions.seq))
    .limit(threadTexts + 1);
  return found
    .filter((row) => row.id !== except)
    .slice(0, threadTexts)
    .map((row) => row.text);
}

/** An approved submission, with what may be shown of it. */
export type Approved = Pick<
  Submission,
  | 'id'
  | 'version'
  | 'kind'
  | 'parentId'
  | 'source'
  | 'authorName'
  | 'authorUrl'
  | 'title'
  | 'content'
  | 'submittedAt'
  | 'receivedAt'
>;

/** Approved submissions of a target, oldest first, at most `limit`. */
export async function approvedUnder(db: Db, targetId: string, limit: number): Promise<Approved[]> {
  const { id, version, kind, parentId, source, authorName, authorUrl, title, content, submittedAt, receivedAt } =
    submissions;
  return db
    .select({ id, version, kind, parentId, source, authorName, authorUrl, title, content, submittedAt, receivedAt })
    .from(submissions)
    .where(approvedBelow(targetId))
    .orderBy(asc(submissions.seq))
    .limit(limit);
}

/** The pages whose pings of a target are approved, oldest first, at most `limit`. */
export async function approvedSources(db: Db, targetId: string, limit: number): Promise<string[]> {
  const found = await db
    .select({ source: submissions.source })
    .from(submissions)
    .where(and(approvedBelow(targetId), isNotNull(submissions.source)))
    .orderBy(asc(submissions.seq))
    .limit(limit);
  return found.map((row) => row.source).filter((source) => source !== null);
}
