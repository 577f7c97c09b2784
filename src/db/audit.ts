// Reading the audit log: what was decided, by whom and on what. A moderator of one site sees what touched that site, and
// of a decision that touched others too only that part.
import { and, asc, desc, eq, lt, or, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import type { Decision, DecisionResult } from './decisions.ts';
import { decisions, moves, submissions } from './schema.ts';

/** Decisions in sight of a site (null: all), newest first, before arrival number `before`. */
export async function listDecisions(
  db: Db,
  query: { siteId: string | null; actor: string | null; before: number | null; limit: number },
): Promise<(Decision & { submissions: number })[]> {
  const { siteId, actor, before, limit } = query;
  const found = await db
    .select({ decision: decisions, submissions: countOfMoves(siteId) })
    .from(decisions)
    .where(
      and(
        inSight(siteId),
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
    .where(and(eq(decisions.id, id), inSight(siteId)));
  if (decision === undefined) return null;
  const taken = await db
    .select({ id: moves.submissionId, from: moves.from, to: moves.to })
    .from(moves)
    .innerJoin(submissions, eq(submissions.id, moves.submissionId))
    .where(
      and(
        eq(moves.decisionId, id),
        eq(moves.undo, false),
        siteId === null ? undefined : eq(submissions.siteId, siteId),
      ),
    )
    .orderBy(asc(moves.id));
  return { decision, results: taken.map(({ id, from, to }) => ({ id, ok: true, from, to })) };
}

function countOfMoves(siteId: string | null) {
  const ofSite = siteId === null ? sql`` : sql`and s.site_id = ${siteId}`;
  return sql<string | number>`(select count(*) from moves join submissions s on s.id = moves.submission_id
    where moves.decision_id = decisions.id and not moves.undo ${ofSite})`;
}

/** A decision is in sight of a site if it was made for it, or moved something of it. */
function inSight(siteId: string | null) {
  if (siteId === null) return undefined;
  return or(
    eq(decisions.siteId, siteId),
    sql`exists (select 1 from moves join submissions s on s.id = moves.submission_id
        where moves.decision_id = decisions.id and s.site_id = ${siteId})`,
  );
}
