// The one Drizzle schema of both databases. Migrations in drizzle/ are generated from it and never written by hand.
import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  customType,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Action, Kind, Label, Status } from '../submission.ts';

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' });
const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
const count = (name: string) => bigint(name, { mode: 'number' });

/** Why a verdict is what it is, in words that a moderator understands; `code` is stable. */
export interface Reason {
  code: string;
  detail: string;
}

/** A judgement as it is stored: the model that made it is named by its epoch and the number of log entries it knew. */
export interface Verdict {
  outcome: 'held' | 'spam' | 'approved';
  probability: number;
  reasons: Reason[];
  groups: { group: string; weight: number }[];
  tokens: { token: string; field: string; weight: number; spam: number; ham: number }[];
  /** What policy would have done had the site not asked it only to watch (`shadow`); absent where it was done. */
  wouldBe?: 'spam' | 'approved';
  epoch: number;
  n: number;
}

/** What a site may set for itself. */
export interface SiteSettings {
  /** Probability from which a submission is put aside as spam. */
  spamAbove: number;
  /** Probability below which a submission is published unseen; null: never. */
  approveBelow: number | null;
  /** Policy only notes what it would have done; everything is held. */
  shadow: boolean;
  /** Approved submissions of an author from which on the next is published unseen; null: never. */
  trustAfterApproved: number | null;
  /** Days after a post's publication from which on nothing is published unseen; null: no such age. */
  holdAfterDays: number | null;
  /** Days after a post's publication from which on nothing is taken in; null: no such age. */
  closeAfterDays: number | null;
  /** Whether the engine's tokens (scope `submit`) may decide, and so teach: its moderators decide in the engine. */
  engineDecides: boolean;
}

/** Facts about the installation that must survive a restart, such as the key of address hashes. */
export const installation = pgTable('installation', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
});

export const sites = pgTable('sites', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  settings: jsonb('settings').$type<SiteSettings>().notNull(),
  /** The number of the site's last log entry. Taking a number locks the row, which makes the log gapless and in commit order. */
  logN: count('log_n').notNull().default(0),
  /** The model's epoch, opened by the last refit; 0: none yet. */
  epoch: integer('epoch').notNull().default(0),
  /** The log number that the last refit's snapshot knows. */
  snapshotN: count('snapshot_n').notNull().default(0),
  /** Grows with every change of the rules that are for the site: who has read the row knows whether those it has are the latest. */
  rulesVersion: integer('rules_version').notNull().default(0),
  /** One process refits at a time. */
  refitLeasedUntil: time('refit_leased_until'),
  createdAt: time('created_at').notNull(),
});

/** The bases under which a site's targets lie, in the form of `baseKey`. */
export const siteBases = pgTable(
  'site_bases',
  {
    key: text('key').primaryKey(),
    host: text('host').notNull(),
    url: text('url').notNull(),
    siteId: uuid('site_id')
      .notNull()
      .references(() => sites.id),
  },
  (table) => [index('site_bases_host').on(table.host), index('site_bases_site').on(table.siteId)],
);

export const tokens = pgTable('tokens', {
  id: uuid('id').primaryKey(),
  hash: text('hash').notNull().unique(),
  /** Stands in the audit log for whoever uses the token. */
  name: text('name').notNull().unique(),
  scope: text('scope').$type<'submit' | 'moderate' | 'admin'>().notNull(),
  /** The one site that the token is for; null: all. */
  siteId: uuid('site_id').references(() => sites.id),
  createdAt: time('created_at').notNull(),
  revokedAt: time('revoked_at'),
});

export const targets = pgTable(
  'targets',
  {
    id: uuid('id').primaryKey(),
    siteId: uuid('site_id')
      .notNull()
      .references(() => sites.id),
    key: text('key').notNull(),
    url: text('url').notNull(),
    state: text('state').$type<'open' | 'closed' | 'gone'>().notNull().default('open'),
    title: text('title'),
    text: text('text'),
    /** Whether the engine has told them: a fetched page never replaces what it told. */
    titleTold: boolean('title_told').notNull().default(false),
    textTold: boolean('text_told').notNull().default(false),
    /** When the page was last read, or could not be. */
    fetchedAt: time('fetched_at'),
    /** When the post was published, as the engine or the page says; null: unknown. */
    publishedAt: time('published_at'),
    /** What the page's server gave to ask with whether it has changed. */
    validators: jsonb('validators').$type<{ etag?: string; lastModified?: string }>(),
    dueAt: time('due_at'),
    leasedUntil: time('leased_until'),
    attempts: smallint('attempts').notNull().default(0),
    createdAt: time('created_at').notNull(),
  },
  (table) => [
    uniqueIndex('targets_key').on(table.siteId, table.key),
    index('targets_by_key').on(table.key),
    index('targets_site').on(table.siteId, table.id),
    index('targets_due').on(table.dueAt).where(sql`${table.dueAt} is not null`),
  ],
);

export const submissions = pgTable(
  'submissions',
  {
    id: uuid('id').primaryKey(),
    /** Order of arrival: times have only milliseconds, and two may be equal. */
    seq: bigserial('seq', { mode: 'number' }).notNull(),
    siteId: uuid('site_id')
      .notNull()
      .references(() => sites.id),
    targetId: uuid('target_id')
      .notNull()
      .references(() => targets.id),
    kind: text('kind').$type<Kind>().notNull(),
    status: text('status').$type<Status>().notNull(),
    version: integer('version').notNull().default(1),
    /** What a removed submission was before its source went away. */
    formerStatus: text('former_status').$type<Status>(),
    source: text('source'),
    /** Digest of target key and source key: unique over the three kinds of ping, and short enough for an index. */
    pingKey: text('ping_key'),
    target: text('target').notNull(),
    authorName: text('author_name'),
    authorEmail: text('author_email'),
    authorUrl: text('author_url'),
    title: text('title'),
    content: text('content').notNull().default(''),
    /** The text of the linking page, for telling what it is about; never shown, and forgotten some time after a decision. */
    sourceText: text('source_text'),
    /** The first of the submissions that say much the same, here or on other sites; its own id if it is that. */
    clusterId: uuid('cluster_id'),
    /** Hashes of which near-duplicates share at least one; null for texts too short to compare. */
    sketch: integer('sketch').array(),
    parentId: uuid('parent_id'),
    ref: text('ref'),
    /** Whether an engine with a token sent it: then its author's e-mail address is no mere claim. */
    forwarded: boolean('forwarded').notNull().default(false),
    /** Facts that doors and verification found, such as `no_link_back`. */
    signals: jsonb('signals').$type<string[]>().notNull().default([]),
    ip: text('ip'),
    ipHash: text('ip_hash'),
    ipNet: text('ip_net'),
    userAgent: text('user_agent'),
    probability: doublePrecision('probability'),
    verdict: jsonb('verdict').$type<Verdict>(),
    /** The number of log entries that the verdict knew, for finding the ones to judge again. */
    verdictN: count('verdict_n'),
    judgedAt: time('judged_at'),
    /** The latest decision that still holds. */
    decisionId: uuid('decision_id'),
    /** The lesson that the model has learned from this submission; null where no label stands. */
    lessonId: count('lesson_id'),
    receivedAt: time('received_at').notNull(),
    updatedAt: time('updated_at').notNull(),
    /** When the comment was written, as the forwarding engine says. */
    submittedAt: time('submitted_at'),
    /** When the worker is to look at the source; null: not at all. */
    dueAt: time('due_at'),
    leasedUntil: time('leased_until'),
    attempts: smallint('attempts').notNull().default(0),
    lastFetchAt: time('last_fetch_at'),
  },
  (table) => [
    uniqueIndex('submissions_seq').on(table.seq),
    uniqueIndex('submissions_ping').on(table.siteId, table.pingKey).where(sql`${table.pingKey} is not null`),
    uniqueIndex('submissions_ref').on(table.siteId, table.ref).where(sql`${table.ref} is not null`),
    index('submissions_target').on(table.targetId, table.status, table.seq),
    index('submissions_queue').on(table.status, table.seq),
    index('submissions_site_queue').on(table.siteId, table.status, table.seq),
    index('submissions_probability').on(table.status, sql`coalesce(${table.probability}, -1)`, table.seq),
    index('submissions_site_probability').on(
      table.siteId,
      table.status,
      sql`coalesce(${table.probability}, -1)`,
      table.seq,
    ),
    index('submissions_outdated').on(table.siteId, table.verdictN).where(sql`${table.status} = 'held'`),
    index('submissions_due').on(table.dueAt).where(sql`${table.dueAt} is not null`),
    index('submissions_cluster').on(table.clusterId, table.status).where(sql`${table.clusterId} is not null`),
    // Entries that wait in a list would be read through by every look-up, and there is one for every insertion.
    index('submissions_sketch').using('gin', table.sketch).with({ fastupdate: false }),
    index('submissions_email')
      .on(table.siteId, sql`lower(${table.authorEmail})`)
      .where(sql`${table.authorEmail} is not null`),
    index('submissions_source_host')
      .on(table.siteId, sql`split_part(${table.source}, '/', 3)`)
      .where(sql`${table.source} is not null`),
    index('submissions_ip').on(table.receivedAt).where(sql`${table.ip} is not null`),
    index('submissions_source_text').on(table.updatedAt).where(sql`${table.sourceText} is not null`),
    foreignKey({ columns: [table.parentId], foreignColumns: [table.id] }),
  ],
);

/** What verification saw of a linking page; read by moderators only, never told to the sender. */
export const fetches = pgTable(
  'fetches',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    submissionId: uuid('submission_id')
      .notNull()
      .references(() => submissions.id),
    at: time('at').notNull(),
    ms: integer('ms').notNull(),
    url: text('url').notNull(),
    hops: jsonb('hops').$type<{ url: string; status?: number; address?: string }[]>().notNull(),
    status: integer('status'),
    contentType: text('content_type'),
    bytes: integer('bytes'),
    /** `link`, `loose_link`, `no_link`, or why there was no page to look at. */
    found: text('found').notNull(),
    detail: text('detail'),
  },
  (table) => [index('fetches_submission').on(table.submissionId, table.id)],
);

export const decisions = pgTable(
  'decisions',
  {
    id: uuid('id').primaryKey(),
    seq: bigserial('seq', { mode: 'number' }).notNull(),
    action: text('action').$type<Action>().notNull(),
    actor: text('actor').notNull(),
    /** The site that the deciding token was bound to; null: all. */
    siteId: uuid('site_id').references(() => sites.id),
    note: text('note'),
    at: time('at').notNull(),
    undoneAt: time('undone_at'),
    undoneBy: text('undone_by'),
  },
  (table) => [
    uniqueIndex('decisions_seq').on(table.seq),
    index('decisions_actor').on(table.actor, table.seq),
    index('decisions_site').on(table.siteId, table.seq),
  ],
);

/** The history of every submission: each change of its status, and what a decision taught. */
export const moves = pgTable(
  'moves',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    submissionId: uuid('submission_id')
      .notNull()
      .references(() => submissions.id),
    at: time('at').notNull(),
    from: text('from_status').$type<Status>(),
    to: text('to_status').$type<Status>().notNull(),
    actor: text('actor').notNull(),
    reason: text('reason'),
    decisionId: uuid('decision_id').references(() => decisions.id),
    /** True for the move that takes a decision back. */
    undo: boolean('undo').notNull().default(false),
    /** The lesson and the decision that stood before this one, for taking it back. */
    lessonBefore: count('lesson_before'),
    decisionBefore: uuid('decision_before'),
    /** For a moderator's decision: the probability of the last verdict before it, and what policy made or would have made of that. */
    probability: doublePrecision('probability'),
    outcome: text('outcome').$type<Verdict['outcome']>(),
  },
  (table) => [index('moves_submission').on(table.submissionId, table.id), index('moves_decision').on(table.decisionId)],
);

/** What a decision teaches: hashed features and label as of that decision. It holds no text. */
export const lessons = pgTable(
  'lessons',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    siteId: uuid('site_id')
      .notNull()
      .references(() => sites.id),
    submissionId: uuid('submission_id')
      .notNull()
      .references(() => submissions.id),
    label: text('label').$type<Label>().notNull(),
    features: bytea('features').notNull(),
    featuresVersion: smallint('features_version').notNull(),
    /** By how many sixteenths the model missed the label before the decision: 0 to 16. */
    surprise: smallint('surprise').notNull().default(0),
  },
  (table) => [index('lessons_site').on(table.siteId, table.id), index('lessons_submission').on(table.submissionId)],
);

/** The log that every process folds into the site's model: entry n follows entry n - 1, without gaps. */
export const logEntries = pgTable(
  'log_entries',
  {
    siteId: uuid('site_id')
      .notNull()
      .references(() => sites.id),
    n: count('n').notNull(),
    at: time('at').notNull(),
    kind: text('kind').$type<'decide' | 'undo' | 'extract' | 'refit'>().notNull(),
    decisionId: uuid('decision_id').references(() => decisions.id),
    /** The epoch that a refit opens. */
    epoch: integer('epoch'),
    learned: jsonb('learned').$type<number[]>().notNull(),
    unlearned: jsonb('unlearned').$type<number[]>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.n] })],
);

/** A site's model as one process computed it, for all others to load: the counts after log entry `n`, and the tuning of the epoch. */
export const snapshots = pgTable(
  'snapshots',
  {
    siteId: uuid('site_id')
      .notNull()
      .references(() => sites.id),
    n: count('n').notNull(),
    epoch: integer('epoch').notNull(),
    featuresVersion: smallint('features_version').notNull(),
    /** The site's own counts, packed. */
    counts: bytea('counts').notNull(),
    tuning: jsonb('tuning').notNull(),
    at: time('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.n] })],
);

/** What a site or the whole installation always lets in or keeps out, whatever the model thinks. */
export const rules = pgTable(
  'rules',
  {
    id: uuid('id').primaryKey(),
    /** The one site that the rule is for; null: all. */
    siteId: uuid('site_id').references(() => sites.id),
    effect: text('effect').$type<'allow' | 'block'>().notNull(),
    field: text('field').$type<'ip' | 'host' | 'url' | 'email' | 'author' | 'phrase'>().notNull(),
    /** In the form that it is compared in. */
    value: text('value').notNull(),
    note: text('note'),
    actor: text('actor').notNull(),
    createdAt: time('created_at').notNull(),
  },
  (table) => [
    uniqueIndex('rules_value').on(
      sql`coalesce(${table.siteId}, '00000000-0000-0000-0000-000000000000')`,
      table.field,
      table.value,
    ),
  ],
);
