// Reading the audit log: what was decided, by whom and on what. A moderator of one site sees what touched that site, and
// of a decision that touched others too only that part.
import { and, asc, desc, eq, gte, inArray, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Action } from '../submission.ts';
import { type Db, rows } from './client.ts';
import type { Decision, DecisionResult } from './decisions.ts';
import { decisions, moves, submissions } from './schema.ts';

/** Which decisions are meant: what is given must hold, `since` included and `until` not. */
export interface DecisionFilter {
  /** The site that they must have touched; null: any. */
  siteId: string | null;
  actors?: string[] | undefined;
  actions?: Action[] | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  undone?: boolean | undefined;
}

/** Decisions, newest first, before arrival number `before`. */
export async function listDecisions(
  db: Db,
  query: { filter: DecisionFilter; before: number | null; limit: number },
): Promise<(Decision & { submissions: number })[]> {
  const { filter, before, limit } = query;
  const found = await db
    .select({ decision: decisions, submissions: countOfMoves(filter.siteId) })
    .from(decisions)
    .where(and(...conditions(filter), before === null ? undefined : lt(decisions.seq, before)))
    .orderBy(desc(decisions.seq))
    .limit(limit);
  return found.map((row) => ({ ...row.decision, submissions: Number(row.submissions) }));
}

/** The ids of decisions, newest first. */
export async function decisionIds(db: Db, filter: DecisionFilter, limit: number): Promise<string[]> {
  const found = await db
    .select({ id: decisions.id })
    .from(decisions)
    .where(and(...conditions(filter)))
    .orderBy(desc(decisions.seq))
    .limit(limit);
  return found.map(({ id }) => id);
}

/** What one actor decided. */
export interface ActorSummary {
  actor: string;
  approve: number;
  reject: number;
  spam: number;
  hold: number;
  /** Of these decisions. */
  undone: number;
  submissions: number;
  /** Approvals and markings as spam of what had a clear score before, and those of them that went against it. */
  clear: number;
  contradicting: number;
}

/** Scores that are clear: approving from the first on, or marking as spam up to the second, contradicts the model. */
const clearSpam = 0.9;
const clearHam = 0.1;

/** The actors of decisions, those that went against the most clear scores first. */
export async function summarizeActors(db: Db, filter: DecisionFilter, limit: number): Promise<ActorSummary[]> {
  const { siteId } = filter;
  const ofSite = siteId === null ? sql`` : sql`join submissions s on s.id = m.submission_id and s.site_id = ${siteId}`;
  return rows<ActorSummary>(
    db,
    sql`
    with chosen as (select id, actor, action, undone_at from decisions where ${and(...conditions(filter))}),
    made as (
      select actor, count(*) filter (where action = 'approve')::int approve, count(*) filter (where action = 'reject')::int reject,
        count(*) filter (where action = 'spam')::int spam, count(*) filter (where action = 'hold')::int hold,
        count(undone_at)::int undone
      from chosen group by actor),
    touched as (
      select c.actor, count(distinct m.submission_id)::int submissions,
        count(*) filter (where c.action in ('approve', 'spam') and (m.probability >= ${clearSpam} or m.probability <= ${clearHam}))::int clear,
        count(*) filter (where (c.action = 'approve' and m.probability >= ${clearSpam})
          or (c.action = 'spam' and m.probability <= ${clearHam}))::int contradicting
      from chosen c join moves m on m.decision_id = c.id and not m.undo ${ofSite}
      group by c.actor)
    select * from made join touched using (actor)
    order by contradicting desc, submissions desc, actor limit ${limit}`,
  );
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

function conditions({ siteId, actors, actions, since, until, undone }: DecisionFilter): (SQL | undefined)[] {
  return [
    inSight(siteId),
    actors && inArray(decisions.actor, actors),
    actions && inArray(decisions.action, actions),
    since && gte(decisions.at, since),
    until && lt(decisions.at, until),
    undone === undefined ? undefined : undone ? isNotNull(decisions.undoneAt) : isNull(decisions.undoneAt),
  ];
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
