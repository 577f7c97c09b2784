// What moderators made of an author's submissions so far. What policy did does not count: it would trust itself.
import { and, eq, isNotNull, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { submissions } from './schema.ts';

/** An author as somebody vouches for: the e-mail address of forwarded comments, or the host of verified sources. */
export type Author = { email: string } | { host: string };

/** Submissions of an author on a site that moderators have approved, counted up to `most`; 0 if they marked any as spam. */
export async function approvedBefore(db: Db, siteId: string, author: Author, most: number): Promise<number> {
  const judged = (status: 'approved' | 'spam', limit: number) =>
    db
      .select({ id: submissions.id })
      .from(submissions)
      // A lesson stands where a moderator's label does.
      .where(
        and(
          eq(submissions.siteId, siteId),
          eq(submissions.status, status),
          isNotNull(submissions.lessonId),
          by(author),
        ),
      )
      .limit(limit);
  if ((await judged('spam', 1)).length > 0) return 0;
  return (await judged('approved', most)).length;
}

function by(author: Author) {
  if ('email' in author)
    return and(submissions.forwarded, sql`lower(${submissions.authorEmail}) = lower(${author.email})`);
  return and(
    isNotNull(submissions.source),
    sql`split_part(${submissions.source}, '/', 3) = ${author.host}`,
    sql`not ${submissions.signals} @> '["no_link_back"]'::jsonb`,
  );
}
