// The one way in for all doors: finds the site and target, recognises repeats, stores. It fetches nothing, so that an
// answer never depends on somebody else's server.
import { createHash, createHmac } from 'node:crypto';
import { v7 as newId } from 'uuid';
import type { Db } from '../db/client.ts';
import { makeDue, upgradeKind } from '../db/leases.ts';
import type { Verdict } from '../db/schema.ts';
import { findSiteOf, type Site } from '../db/sites.ts';
import {
  findByRef,
  findPing,
  getSubmission,
  insertSubmission,
  moveSubmission,
  type Submission,
} from '../db/submissions.ts';
import {
  daysBetween,
  describeTarget,
  ensureTarget,
  findTarget,
  postedAt,
  refreshTarget,
  type Target,
} from '../db/targets.ts';
import { verdictColumns } from '../db/verdicts.ts';
import { isId, networkOf } from '../http.ts';
import type { Copies } from '../judge/copies.ts';
import type { Kind } from '../submission.ts';
import { sourceKey, targetKey } from '../url.ts';

export type Ping = {
  kind: Exclude<Kind, 'comment'>;
  source: URL;
  target: URL;
  title?: string;
  content?: string;
  authorName?: string;
  ip: string;
  userAgent: string | undefined;
  /** The door looks at the source itself: the worker is to leave it alone for so long. */
  leaveMs?: number;
};

export interface Comment {
  target: URL;
  author: { name: string; email: string | null; url: string | null };
  content: string;
  parent: string | null;
  ref: string | null;
  ip: string | null;
  userAgent: string | null;
  submittedAt: Date | null;
  post: { title?: string; text?: string; publishedAt?: Date } | null;
  /** Whether an engine sent it, which vouches for what it says of the author. */
  forwarded: boolean;
}

/** Why something was not taken in: data that is ours, so that saying it tells a prober nothing about anybody else. */
export type Refusal = 'same_url' | 'own_source' | 'unknown_target' | 'gone_target' | 'closed_target';

export type PingAnswer = { ok: true; id: string; repeated: boolean } | { ok: false; reason: Refusal };
export type CommentAnswer = { ok: true; submission: Submission; repeated: boolean } | { ok: false; reason: Refusal };

export interface Intake {
  ping(ping: Ping): Promise<PingAnswer>;
  comment(comment: Comment, site: Site): Promise<CommentAnswer>;
  /** The comment judged as if it came in now; nothing is stored. */
  check(comment: Comment, site: Site): Promise<Verdict>;
}

interface Dependencies {
  db: Db;
  now: () => Date;
  addressKey: Buffer;
  /** Hosts of this service itself: a page of ours cannot be a source. */
  ownHost: string;
  verifyDelayMs: number;
  refetchMinMs: number;
  /** Hours after which a target's page is read again; 0: never. */
  targetRefetchHours: number;
  judgeComment: (
    site: Site,
    target: Target | null,
    comment: Comment & { clusterId: string | null },
  ) => Promise<Verdict>;
  copies: Pick<Copies, 'find' | 'settle'>;
}

/** What ranks higher takes the kind over when the same page pings twice: it says more, and is checked more strictly. */
const rank: Record<Ping['kind'], number> = { trackback: 0, pingback: 1, webmention: 2 };

export function createIntake(deps: Dependencies): Intake {
  const { db, now } = deps;

  async function ping(ping: Ping): Promise<PingAnswer> {
    if (targetKey(ping.source) === targetKey(ping.target)) return { ok: false, reason: 'same_url' };
    if (ping.source.host === deps.ownHost) return { ok: false, reason: 'own_source' };
    const site = await findSiteOf(db, ping.target);
    if (site === null) return { ok: false, reason: 'unknown_target' };
    const target = await openTarget(site, ping.target, null);
    if (typeof target === 'string') return { ok: false, reason: target };

    const pingKey = createHash('sha256')
      .update(`${targetKey(ping.target)}\n${sourceKey(ping.source)}`)
      .digest('hex');
    const known = await findPing(db, site.id, pingKey);
    if (known !== null) return repeat(known, ping);
    const at = now();
    const stored = await insertSubmission(
      db,
      {
        id: newId(),
        siteId: site.id,
        targetId: target.id,
        kind: ping.kind,
        status: 'received',
        source: ping.source.href,
        pingKey,
        target: ping.target.href,
        title: ping.title ?? null,
        content: ping.content ?? '',
        authorName: ping.authorName || null,
        ...address(ping.ip),
        userAgent: userAgentOf(ping.userAgent),
        receivedAt: at,
        updatedAt: at,
        dueAt: new Date(at.getTime() + Math.max(deps.verifyDelayMs, ping.leaveMs ?? 0)),
      },
      { actor: ping.kind, reason: null, verdict: null },
    );
    if (stored !== null) return { ok: true, id: stored.id, repeated: false };
    const first = await findPing(db, site.id, pingKey);
    if (first === null) throw new Error('a ping was neither stored nor found');
    return repeat(first, ping);
  }

  /** The target of this URL, with what its engine says of it now, if it takes anything; else why it does not. */
  async function openTarget(site: Site, url: URL, post: Comment['post']): Promise<Target | Refusal> {
    const at = now();
    const known = await ensureTarget(db, site.id, url, at);
    if (known.state !== 'open') return known.state === 'gone' ? 'gone_target' : 'closed_target';
    const target = post === null ? known : await describeTarget(db, known, post);
    const { closeAfterDays } = site.settings;
    if (closeAfterDays !== null && daysBetween(postedAt(target), at) >= closeAfterDays) return 'closed_target';
    const hours = deps.targetRefetchHours;
    if (hours > 0) await refreshTarget(db, target, new Date(at.getTime() - hours * 3_600_000), at);
    return target;
  }

  /** The same page pinged again: its source becomes due to be looked at once more, as often as `refetchMinMs` allows. */
  async function repeat(known: Submission, ping: Ping): Promise<PingAnswer> {
    const at = now();
    const isLooking = known.leasedUntil !== null && known.leasedUntil > at;
    const lastFetch = isLooking ? at.getTime() : (known.lastFetchAt?.getTime() ?? 0);
    const dueAt = new Date(Math.max(at.getTime() + deps.verifyDelayMs, lastFetch + deps.refetchMinMs));
    if (known.kind !== 'comment' && rank[ping.kind] > rank[known.kind]) await upgradeKind(db, known.id, ping.kind);
    if (known.status === 'invalid') {
      const change = { dueAt, attempts: 0, ...address(ping.ip) };
      await moveSubmission(db, known, { to: 'received', actor: ping.kind, reason: 'sent again', now: at, change });
    } else if (known.status === 'held' || known.status === 'approved' || known.status === 'removed') {
      await makeDue(db, known.id, dueAt, at);
    }
    return { ok: true, id: known.id, repeated: true };
  }

  async function comment(comment: Comment, site: Site): Promise<CommentAnswer> {
    const known = comment.ref === null ? null : await findByRef(db, site.id, comment.ref);
    if (known !== null) return { ok: true, submission: known, repeated: true };
    const target = await openTarget(site, comment.target, comment.post);
    if (typeof target === 'string') return { ok: false, reason: target };

    const id = newId();
    const text = { id, clusterId: null, title: null, content: comment.content };
    const place = await deps.copies.find(text);
    const verdict = await deps.judgeComment(site, target, { ...comment, clusterId: place.copies[0] ?? null });
    const at = now();
    const stored = await insertSubmission(
      db,
      {
        id,
        siteId: site.id,
        targetId: target.id,
        kind: 'comment',
        status: 'held',
        target: comment.target.href,
        authorName: comment.author.name,
        authorEmail: comment.author.email,
        authorUrl: comment.author.url,
        content: comment.content,
        sketch: place.sketch,
        clusterId: place.clusterId,
        parentId: await parentOf(comment.parent, site, target),
        ref: comment.ref,
        forwarded: comment.forwarded,
        ...address(comment.ip),
        userAgent: userAgentOf(comment.userAgent),
        ...verdictColumns(verdict, at),
        receivedAt: at,
        updatedAt: at,
        submittedAt: comment.submittedAt,
      },
      { actor: 'comment', reason: null, verdict },
    );
    if (stored !== null) {
      await deps.copies.settle(text, place);
      return { ok: true, submission: stored, repeated: false };
    }
    const first = await findByRef(db, site.id, comment.ref ?? '');
    if (first === null) throw new Error('a comment was neither stored nor found');
    return { ok: true, submission: first, repeated: true };
  }

  /** Our id of the comment that is answered to; null where it is unknown or stands under another target. */
  async function parentOf(parent: string | null, site: Site, target: Target): Promise<string | null> {
    if (parent === null) return null;
    const found = parent.startsWith('ref:') ? await findByRef(db, site.id, parent.slice(4)) : await byId(parent);
    return found?.targetId === target.id ? found.id : null;
  }

  async function byId(id: string): Promise<Submission | null> {
    return isId(id) ? getSubmission(db, id) : null;
  }

  function address(ip: string | null): { ip: string | null; ipHash: string | null; ipNet: string | null } {
    if (ip === null) return { ip: null, ipHash: null, ipNet: null };
    return {
      ip,
      ipHash: createHmac('sha256', deps.addressKey).update(ip).digest('hex').slice(0, 32),
      ipNet: networkOf(ip),
    };
  }

  return {
    ping,
    comment,
    async check(comment, site) {
      const known = await findTarget(db, site.id, targetKey(comment.target));
      const text = { id: null, clusterId: null, title: null, content: comment.content };
      const { clusterId } = await deps.copies.find(text);
      return deps.judgeComment(site, known, { ...comment, clusterId });
    },
  };
}

/** A header may be much longer than anything that a user agent has to say. */
function userAgentOf(header: string | null | undefined): string | null {
  return header?.slice(0, 1_000) || null;
}
