// The moderators' view of submissions: filtered lists in a stable order, paged by key.
import { and, asc, desc, gte, inArray, lte, or, type SQL, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import type { Kind, Status } from '../submission.ts';
import type { Db } from './client.ts';
import { submissions, targets } from './schema.ts';
import { isSimilarTo } from './similar.ts';
import type { Submission } from './submissions.ts';

/** Which submissions are meant. Within one filter the values are alternatives; all filters given must hold. */
export interface QueueFilter {
  status?: Status[];
  kind?: Kind[];
  site?: string[];
  /** Target keys, as `targetKey` makes them. */
  target?: string[];
  /** Parts of an author's name, e-mail address or URL. */
  author?: string[];
  /** Parts of title, content or source. */
  q?: string[];
  minProbability?: number;
  maxProbability?: number;
  /** The id of a submission: itself, and what says much the same. */
  similarTo?: string;
}

export type Sort = 'oldest' | 'newest' | 'probability';

/** The place after which a page begins: arrival number and, sorted by probability, the probability (-1 for none). */
export interface Place {
  seq: number;
  probability: number;
}

/** At most `limit` submissions in the order of `sort`, after `place` if there is one. */
export async function listSubmissions(
  db: Db,
  query: { filter: QueueFilter; sort: Sort; place: Place | null; limit: number },
): Promise<Submission[]> {
  const { filter, sort, place, limit } = query;
  return db
    .select()
    .from(submissions)
    .where(and(...conditions(db, filter), place === null ? undefined : after(sort, place)))
    .orderBy(...order(sort))
    .limit(limit);
}

/** Ids and versions of all submissions that a filter means, at most `limit`, in order of arrival. */
export async function idsMatching(
  db: Db,
  filter: QueueFilter,
  limit: number,
): Promise<{ id: string; version: number }[]> {
  return db
    .select({ id: submissions.id, version: submissions.version })
    .from(submissions)
    .where(and(...conditions(db, filter)))
    .orderBy(asc(submissions.seq))
    .limit(limit);
}

/** The place of a listed submission, for the page that follows it. */
export function placeOf(submission: Submission): Place {
  return { seq: submission.seq, probability: submission.probability ?? -1 };
}

const probability = sql<number>`coalesce(${submissions.probability}, -1)`;

function order(sort: Sort): SQL[] {
  if (sort === 'oldest') return [asc(submissions.seq)];
  if (sort === 'newest') return [desc(submissions.seq)];
  return [sql`${probability} desc`, desc(submissions.seq)];
}

function after(sort: Sort, place: Place): SQL {
  if (sort === 'oldest') return sql`${submissions.seq} > ${place.seq}`;
  if (sort === 'newest') return sql`${submissions.seq} < ${place.seq}`;
  return sql`(${probability}, ${submissions.seq}) < (${place.probability}::float8, ${place.seq}::bigint)`;
}

function conditions(db: Db, filter: QueueFilter): (SQL | undefined)[] {
  const { status, kind, site, target, author, q, minProbability, maxProbability, similarTo } = filter;
  return [
    status && inArray(submissions.status, status),
    kind && inArray(submissions.kind, kind),
    site && inArray(submissions.siteId, site),
    target &&
      inArray(submissions.targetId, db.select({ id: targets.id }).from(targets).where(inArray(targets.key, target))),
    author && contains(author, [submissions.authorName, submissions.authorEmail, submissions.authorUrl]),
    q && contains(q, [submissions.title, submissions.content, submissions.source]),
    minProbability === undefined ? undefined : gte(submissions.probability, minProbability),
    maxProbability === undefined ? undefined : lte(submissions.probability, maxProbability),
    similarTo === undefined ? undefined : isSimilarTo(similarTo),
  ];
}

/** Whether any of the columns holds any of the parts, without regard to case. */
function contains(parts: string[], columns: AnyPgColumn[]): SQL | undefined {
  const patterns = parts.map((part) => `%${part.replace(/[\\%_]/g, '\\$&')}%`);
  return or(...patterns.flatMap((pattern) => columns.map((column) => sql`${column} ilike ${pattern}`)));
}
