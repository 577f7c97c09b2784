// Clusters of submissions that say much the same, over all sites. What is alike is the judge's to tell: here are the
// candidates for it, and what is counted of a cluster.
import { sql } from 'drizzle-orm';
import { type Db, rows } from './client.ts';
import { submissions } from './schema.ts';
import type { Submission } from './submissions.ts';

/** A text that may be like a new one: the first of its cluster, or the member that shares most bands with it. */
export interface Candidate {
  id: string;
  clusterId: string;
  title: string | null;
  content: string;
}

/** Rows that share a band with a text and are looked at; those of a large campaign are all in one cluster. */
const mostSharing = 1_000;

/**
 * The first text and the nearest member of the clusters that share most bands with `bands`, of at most `clusters` of
 * them, nearest first; `except` is the submission itself. Contents are cut to `characters`.
 */
export async function candidatesFor(
  db: Db,
  bands: readonly number[],
  options: { except: string | null; clusters: number; characters: number },
): Promise<Candidate[]> {
  // As a subquery its length is hidden from the planner, which would otherwise rather read the whole table.
  const sketch = sql`(select ${`{${bands.join(',')}}`}::int[])`;
  const { except, clusters, characters } = options;
  return rows<Candidate>(
    db,
    sql`
    with sharing as materialized (
      select id, cluster_id, seq, sketch from submissions
      where sketch && ${sketch} and id is distinct from ${except}::uuid limit ${mostSharing}),
    counted as (
      select id, cluster_id, seq, (select count(*) from unnest(sketch) band where band = any(sought)) as shared
      from sharing, ${sketch} one(sought)),
    nearest as (select distinct on (cluster_id) id, cluster_id, shared from counted order by cluster_id, shared desc, seq),
    chosen as (select * from nearest order by shared desc, cluster_id limit ${clusters})
    select s.id, s.cluster_id as "clusterId", s.title, left(s.content, ${characters}) as content
    from chosen join submissions s on s.id = any(array[chosen.id, chosen.cluster_id]) and s.cluster_id = chosen.cluster_id
    order by chosen.shared desc, chosen.cluster_id, s.seq`,
  );
}

/** Rows of one cluster that are moved at once; the rest follows when the next copy comes in. */
const mostUnited = 1_000;

/** Makes one cluster of several. */
export async function uniteClusters(db: Db, into: string, others: readonly string[]): Promise<void> {
  // In the order in which deciders lock, so that neither waits for the other in a circle.
  await db.execute(sql`
    update submissions set cluster_id = ${into}::uuid where id in (
      select id from submissions
      where cluster_id = any(array(select value::uuid from jsonb_array_elements_text(${JSON.stringify(others)}::jsonb)))
      order by id limit ${mostUnited} for update)`);
}

/** What moderators made of a cluster's other members, on all sites; each status is counted up to 1,000. */
export interface ClusterCounts {
  /** All that reached a moderator. */
  others: number;
  /** Of these, marked as spam or approved by a moderator whose word stands. */
  spam: number;
  ham: number;
  /** Since `since`, of different authors or sources, or under different targets. */
  undecided: number;
  /** The first of them that belongs to the site. */
  oldest: string | null;
}

/** Counts the cluster of a submission, without the submission itself. */
export async function countCluster(
  db: Db,
  cluster: { id: string; except: string | null; siteId: string; since: Date },
): Promise<ClusterCounts> {
  const [counts] = await rows<{ others: string; spam: string; ham: string; undecided: string; oldest: string | null }>(
    db,
    sql`
    select count(*) as others,
      count(*) filter (where status = 'spam' and lesson_id is not null) as spam,
      count(*) filter (where status = 'approved' and lesson_id is not null) as ham,
      count(distinct (target_id, source, author_name, author_email)) filter (
        where status <> 'rejected' and lesson_id is null
          and received_at >= ${cluster.since.toISOString()}::timestamptz) as undecided,
      min(id::text) filter (where site_id = ${cluster.siteId}::uuid) as oldest
    from unnest(array['held', 'approved', 'rejected', 'spam']) as one(status_of)
    cross join lateral (
      select * from submissions where cluster_id = ${cluster.id}::uuid and status = status_of
        and id is distinct from ${cluster.except}::uuid limit 1000) found`,
  );
  if (counts === undefined) throw new Error('an aggregate without a row');
  const { others, spam, ham, undecided, oldest } = counts;
  return { others: Number(others), spam: Number(spam), ham: Number(ham), undecided: Number(undecided), oldest };
}

/** Others in one cluster that are counted for a moderator. */
const mostCounted = 1_000;

/** How many others say much the same as each of `listed`, in sight of `siteId` (null: on all sites), up to 1,000. */
export async function countSimilar(
  db: Db,
  listed: readonly Pick<Submission, 'id' | 'clusterId'>[],
  siteId: string | null,
): Promise<Map<string, number>> {
  const clusters = [...new Set(listed.map(({ clusterId }) => clusterId).filter((id) => id !== null))];
  const found =
    clusters.length === 0
      ? []
      : await rows<{ cluster: string; members: string }>(
          db,
          sql`
    select value as cluster, members from jsonb_array_elements_text(${JSON.stringify(clusters)}::jsonb)
    cross join lateral (select count(*) as members from (
      select 1 from submissions where cluster_id = value::uuid
        ${siteId === null ? sql`` : sql`and site_id = ${siteId}::uuid`} limit ${mostCounted + 1}) member) counted`,
        );
  const members = new Map(found.map((row) => [row.cluster, Number(row.members)]));
  return new Map(listed.map(({ id, clusterId }) => [id, Math.max(0, (members.get(clusterId ?? '') ?? 1) - 1)]));
}

/** The condition that a submission is the one of this id, or says much the same. */
export function isSimilarTo(id: string) {
  return sql`(${submissions.id} = ${id}::uuid
    or ${submissions.clusterId} = (select cluster_id from submissions where id = ${id}::uuid))`;
}
