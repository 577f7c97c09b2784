// What the figures of accuracy are made of: moderators' decisions that stand, beside the scores made before them. It counts
// and sums in the database; what the sums mean is for the desk.
import { inArray, sql } from 'drizzle-orm';
import type { Action, Status } from '../submission.ts';
import { type Db, rows } from './client.ts';
import { submissions, type Verdict } from './schema.ts';
import type { Submission } from './submissions.ts';

/** How far things of one kind are counted for each site; lessons lie scattered, and a site that has so many is warm. */
const mostCounted = 10_000;
const mostLessonsCounted = 1_000;

/** Decisions of one site that are alike. Sums are of probabilities of spam, 0 to 1. */
export interface DecidedBin {
  siteId: string;
  action: Exclude<Action, 'hold'>;
  /** What policy made, or would have made, of the score. */
  outcome: Verdict['outcome'] | null;
  /** The tenth that the probability lies in, 0 to 9; null where there was no score. */
  bin: number | null;
  count: number;
  /** How many of them had a probability of `spamAbove` or more. */
  above: number;
  probabilities: number;
  squares: number;
}

/** The decisions of sites made from `since` on and standing, each submission once, by site, action, outcome and tenth. */
export async function decidedBins(
  db: Db,
  asked: readonly { id: string; spamAbove: number }[],
  since: Date,
): Promise<DecidedBin[]> {
  const sites = asked.map(({ id, spamAbove }) => ({ id, above: spamAbove }));
  return rows<DecidedBin>(
    db,
    sql`
    select asked.id "siteId", d.action, m.outcome, least(floor(m.probability * 10), 9)::int bin, count(*)::int count,
      count(*) filter (where m.probability >= asked.above)::int above,
      coalesce(sum(m.probability), 0)::float8 probabilities, coalesce(sum(m.probability * m.probability), 0)::float8 squares
    from jsonb_to_recordset(${JSON.stringify(sites)}::jsonb) as asked(id uuid, above float8), ${standing(since)}
      and s.site_id = asked.id
    group by 1, 2, 3, 4`,
  );
}

/** How far a site's queue and model have come. */
export interface SiteProgress {
  siteId: string;
  /** When the oldest that is held arrived; null: nothing is held. */
  oldestHeldAt: Date | null;
  /** Lessons that stand, of each label counted up to `mostLessonsCounted`. */
  ham: number;
  spam: number;
}

export async function siteProgress(db: Db, siteIds: readonly string[]): Promise<SiteProgress[]> {
  const lessons = (label: string) => sql`(select count(*)::int from (select 1 from lessons l
    join submissions s on s.id = l.submission_id and s.lesson_id = l.id
    where l.site_id = asked.id and l.label = ${label} limit ${mostLessonsCounted}) counted)`;
  const found = await rows<Omit<SiteProgress, 'oldestHeldAt'> & { oldest: Date | string | null }>(
    db,
    sql`
    select asked.id "siteId", ${lessons('ham')} ham, ${lessons('spam')} spam,
      (select s.received_at from submissions s where s.site_id = asked.id and s.status = 'held' order by s.seq limit 1) oldest
    from ${idsAsked(siteIds)}`,
  );
  return found.map(({ oldest, ...site }) => ({ ...site, oldestHeldAt: oldest === null ? null : new Date(oldest) }));
}

/** How many submissions of each status sites have, each counted up to `mostCounted`; statuses without any are left out. */
export async function statusCounts(
  db: Db,
  siteIds: readonly string[],
  statuses: readonly Status[],
): Promise<{ siteId: string; status: Status; count: number }[]> {
  return rows(
    db,
    sql`
    select asked.id "siteId", status.name status, counted.count from ${idsAsked(siteIds)},
      jsonb_array_elements_text(${JSON.stringify(statuses)}::jsonb) status(name),
      lateral (select count(*)::int count from (select 1 from submissions s
        where s.site_id = asked.id and s.status = status.name limit ${mostCounted}) found) counted
    where counted.count > 0`,
  );
}

export interface Thresholds {
  spamAbove: number;
  approveBelow: number | null;
}

type Would = 'spam' | 'approved' | 'held';

/** How often moderators decided so on what two pairs of thresholds would have done; `would` null: there was no score. */
export interface Replayed {
  action: Exclude<Action, 'hold'>;
  would: Would | null;
  wouldNow: Would | null;
  count: number;
}

/** A submission that thresholds would have treated against its moderator's word. */
export interface Misjudged {
  submission: Submission;
  probability: number;
  action: 'approve' | 'spam';
  would: 'spam' | 'approved';
  decisionId: string;
  decidedAt: Date;
}

/**
 * What thresholds would have done with what was decided on a site from `since` on, beside what those of `now` would: how
 * often, and the submissions that they would have got wrong, the surest errors first, at most `limit`.
 */
export async function replay(
  db: Db,
  asking: { siteId: string; since: Date; asked: Thresholds; now: Thresholds; limit: number },
): Promise<{ counts: Replayed[]; wrong: Misjudged[] }> {
  const { siteId, since, asked, now, limit } = asking;
  // In one statement, since the decisions are many and reading them is what takes the time.
  const [found] = await rows<{ counts: Replayed[] | null; wrong: MisjudgedRow[] | null }>(
    db,
    sql`
    with replayed as materialized (
      select s.id, s.seq, m.probability, d.action, ${would(asked)} would, ${would(now)} "wouldNow", d.id "decisionId", d.at
      from ${standing(since)} and s.site_id = ${siteId}),
    counted as (select action, would, "wouldNow", count(*)::int count from replayed group by 1, 2, 3),
    misjudged as (
      select * from replayed where (would = 'spam' and action = 'approve') or (would = 'approved' and action = 'spam')
      order by case would when 'spam' then probability else 1 - probability end desc, seq
      limit ${limit})
    select (select json_agg(counted) from counted) counts, (select json_agg(misjudged) from misjudged) wrong`,
  );
  const wrong = found?.wrong ?? [];
  const ids = wrong.map(({ id }) => id);
  const stored = ids.length === 0 ? [] : await db.select().from(submissions).where(inArray(submissions.id, ids));
  const byId = new Map(stored.map((submission) => [submission.id, submission]));
  return {
    counts: found?.counts ?? [],
    wrong: wrong.flatMap(({ id, at, probability, action, would, decisionId }) => {
      const submission = byId.get(id);
      if (submission === undefined) return [];
      return [{ submission, probability, action, would, decisionId, decidedAt: new Date(at) }];
    }),
  };
}

type MisjudgedRow = Omit<Misjudged, 'submission' | 'decidedAt'> & { id: string; at: string };

/**
 * From and where of the decisions that stand, as `d`, on submissions `s`, with their scores in `m`. A submission knows
 * its latest decision that holds, so what was changed later or undone is not among them, and nothing counts twice.
 */
function standing(since: Date) {
  return sql`decisions d
    join moves m on m.decision_id = d.id and not m.undo
    join submissions s on s.id = m.submission_id and s.decision_id = d.id
    where d.at >= ${since.toISOString()}::timestamptz and d.actor <> 'policy' and d.action <> 'hold'
      and s.status <> 'erased'`;
}

/** What thresholds alone make of a score, in the order that policy asks them. */
function would({ spamAbove, approveBelow }: Thresholds) {
  return sql`case when m.probability >= ${spamAbove}::float8 then 'spam'
    when m.probability < ${approveBelow}::float8 and not s.signals @> '["no_link_back"]' then 'approved'
    when m.probability is not null then 'held' end`;
}

function idsAsked(siteIds: readonly string[]) {
  return sql`(select value::uuid id from jsonb_array_elements_text(${JSON.stringify(siteIds)}::jsonb)) asked`;
}
