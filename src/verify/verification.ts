// Verifies pings: leases one that is due, fetches its source, and moves it by what was found there. Nothing of it is
// told to the sender.
import type { Db } from '../db/client.ts';
import { insertFetch } from '../db/fetches.ts';
import { endLease, leaseDue, leaseOne, nextDue, postpone } from '../db/leases.ts';
import type { Verdict } from '../db/schema.ts';
import { moveSubmission, type Submission } from '../db/submissions.ts';
import { verdictColumns } from '../db/verdicts.ts';
import type { Copies } from '../judge/copies.ts';
import type { FetchRequest, FetchResult, SafeFetch } from '../safe-fetch.ts';
import type { Status } from '../submission.ts';
import { crop } from '../text.ts';
import type { Step } from '../worker.ts';
import { changedMuch, type Look, lookAt, type SourcePage } from './look.ts';

interface Options {
  db: Db;
  now: () => Date;
  fetch: SafeFetch;
  judge: (submission: Submission) => Promise<Verdict>;
  copies: Pick<Copies, 'find' | 'settle'>;
  /** Takes a fetch's turn at a source host; the milliseconds to wait if it has had all its turns. */
  hostTurn: (host: string) => Promise<number | null>;
  /** Hears of errors that are ours. */
  report: (error: unknown) => void;
  attempts: number;
  retryMs: number;
  leaseMs: number;
  concurrency: number;
}

interface Dependencies extends Options {
  /** Fetches under way, by host. */
  atHost: Map<string, number>;
}

/** What a first look at a ping came to; `later`: nothing is known yet. */
export type FirstLook = 'ok' | 'no_link' | 'no_source' | 'upstream' | 'later';

export interface Verification {
  step: Step;
  /** Looks at a stored ping at once, and answers after at most `waitMs`; the look goes on if that was too short. */
  lookNow(id: string, waitMs: number): Promise<FirstLook>;
}

export function createVerification(options: Options): Verification {
  const deps: Dependencies = { ...options, atHost: new Map() };
  return {
    step: {
      name: 'verify',
      concurrency: deps.concurrency,
      async claim() {
        const leased = await leaseDue(deps.db, deps.now(), deps.leaseMs);
        return leased === null ? null : async () => void (await verify(deps, leased));
      },
    },
    async lookNow(id, waitMs) {
      // The ping is stored: whatever goes wrong from here on, its sender is told so, and the worker looks later.
      const look = lookAtOnce(deps, id).catch((error: unknown): FirstLook => {
        deps.report(error);
        return 'later';
      });
      let timer: NodeJS.Timeout | undefined;
      const tooLate = new Promise<FirstLook>((resolve) => {
        timer = setTimeout(resolve, waitMs, 'later');
      });
      return Promise.race([look, tooLate]).finally(() => clearTimeout(timer));
    },
  };
}

async function lookAtOnce(deps: Dependencies, id: string): Promise<FirstLook> {
  const leased = await leaseOne(deps.db, id, deps.now(), deps.leaseMs);
  return leased === null ? 'later' : firstLook(await verify(deps, leased));
}

function firstLook(look: Look | null): FirstLook {
  if (look === null || look.found === 'link') return 'ok';
  if (look.found === 'unreachable') return look.detail === 'status 404' ? 'no_source' : 'upstream';
  return look.found === 'gone' ? 'no_source' : 'no_link';
}

/** Attempts that may end without an outcome, by a crash or an error of ours, before a ping is given up. */
const mostFailures = 5;

/** Looks at a leased ping's source and does what follows. Null if there was nothing to look at. */
async function verify(deps: Dependencies, leased: Submission): Promise<Look | null> {
  const { db, now } = deps;
  // What a moderator rejected or marked as spam stays so, whatever its source says now.
  const watched: readonly Status[] = ['received', 'held', 'approved', 'removed'];
  if (leased.source === null || !watched.includes(leased.status)) {
    await endLease(db, leased, null, now());
    return null;
  }
  if (leased.attempts > deps.attempts + mostFailures) {
    if (leased.status !== 'received') await endLease(db, leased, null, now());
    else await move(deps, leased, 'invalid', 'it could not be verified: something went wrong here each time', {});
    return null;
  }
  const fetched = await fetchSource(deps, leased.source, request(leased));
  if ('wait' in fetched) {
    await postpone(db, leased, new Date(now().getTime() + fetched.wait));
    return null;
  }
  const look = lookAt(fetched, leased.target);
  await insertFetch(db, recordOf(leased, fetched, look, now()));
  if (leased.status === 'received') await first(deps, leased, look);
  else await again(deps, leased, look);
  return look;
}

/** How long a ping waits whose source's host is being fetched from already. */
const busyMs = 2_000;

/**
 * Fetches a source, or answers the milliseconds to wait: a host has its share of the fetches under way, since one that
 * never answers must not keep all others waiting, and its turns a minute.
 */
async function fetchSource(
  deps: Dependencies,
  url: string,
  options: FetchRequest,
): Promise<FetchResult | { wait: number }> {
  const { atHost, concurrency } = deps;
  const { host } = new URL(url);
  const underWay = atHost.get(host) ?? 0;
  if (underWay >= Math.max(1, Math.floor(concurrency / 4))) return { wait: busyMs };
  atHost.set(host, underWay + 1);
  try {
    const wait = await deps.hostTurn(host);
    return wait === null ? await deps.fetch(url, options) : { wait };
  } finally {
    const left = (atHost.get(host) ?? 1) - 1;
    if (left === 0) atHost.delete(host);
    else atHost.set(host, left);
  }
}

/** Names in the request who caused it, so that a victim of forged pings can see that (WordPress does the same). */
function request({ kind, ip }: Submission) {
  if (ip === null) return { purpose: `verifying ${kind}` };
  return {
    purpose: `verifying ${kind}`,
    requestedBy: ip,
    headers: kind === 'pingback' ? { 'X-Pingback-Forwarded-For': ip } : {},
  };
}

/** The first verification: received -> held, spam, approved or invalid, or another try later. */
async function first(deps: Dependencies, leased: Submission, look: Look): Promise<void> {
  if (look.found === 'unreachable' && !look.final && leased.attempts < deps.attempts) {
    await endLease(deps.db, leased, new Date(deps.now().getTime() + deps.retryMs), deps.now());
  } else if (look.found === 'link') {
    await judged(deps, leased, describe(leased, look.page));
  } else if (look.found === 'no_link' && leased.kind === 'trackback') {
    // TrackBack has no verification of its own: the missing link is evidence, not proof.
    await judged(deps, leased, { signals: withSignals(leased.signals, { no_link_back: true }) });
  } else {
    await move(deps, leased, 'invalid', reasonOf(look), {});
  }
}

/** A later verification, of something a moderator may have decided on. */
async function again(deps: Dependencies, leased: Submission, look: Look): Promise<void> {
  const isClaim = leased.kind === 'trackback' && leased.signals.includes('no_link_back');
  if (look.found === 'unreachable' || (look.found === 'no_link' && isClaim)) {
    await endLease(deps.db, leased, null, deps.now());
  } else if (look.found !== 'link') {
    if (leased.status === 'removed') await endLease(deps.db, leased, null, deps.now());
    else await move(deps, leased, 'removed', reasonOf(look), { formerStatus: leased.status });
  } else {
    const described = describe(leased, look.page);
    const differs = changedMuch(textOf(leased), textOf({ ...leased, ...described }));
    const { change, verdict, settle } = await judge(deps, leased, described);
    const columns = { ...change, ...verdictColumns(verdict, deps.now()), formerStatus: null };
    if (leased.status === 'removed') {
      const to = differs ? 'held' : (leased.formerStatus ?? 'held');
      await move(deps, leased, to, 'its source is back', columns);
    } else if (leased.status === 'approved' && differs) {
      await move(deps, leased, 'held', 'its source has changed much', columns);
    } else {
      await move(deps, leased, leased.status, null, columns);
    }
    await settle();
  }
}

async function judged(deps: Dependencies, leased: Submission, described: Change): Promise<void> {
  const { change, verdict, settle } = await judge(deps, leased, described);
  await move(deps, leased, 'held', null, change, verdict);
  await settle();
}

/** The verdict on a submission as it is now, and the change with its place among copies; `settle` is for when that is stored. */
async function judge(
  deps: Dependencies,
  leased: Submission,
  described: Change,
): Promise<{ change: Change; verdict: Verdict; settle: () => Promise<void> }> {
  const current = { ...leased, ...described };
  const isPlaced = leased.clusterId !== null && textOf(leased) === textOf(current);
  if (isPlaced) return { change: described, verdict: await deps.judge(current), settle: async () => {} };
  const place = await deps.copies.find(current);
  const change = { ...described, sketch: place.sketch, clusterId: place.clusterId };
  const verdict = await deps.judge({ ...leased, ...change });
  return { change, verdict, settle: () => deps.copies.settle(current, place) };
}

type Change = Partial<
  Pick<
    Submission,
    'title' | 'content' | 'authorName' | 'sourceText' | 'signals' | 'formerStatus' | 'sketch' | 'clusterId'
  >
>;

/** How much of a linking page's text is kept: enough to tell what it is about. */
const mostSourceText = 20_000;

/** What the page says of itself takes the place of what was known. A TrackBack's own words stay: the page is checked for its link. */
function describe(
  leased: Submission,
  page: SourcePage,
): Required<Pick<Change, 'title' | 'authorName' | 'sourceText'>> & { content: string; signals: string[] } {
  const signals = withSignals(leased.signals, {
    no_link_back: false,
    loose_link: page.loose,
    hidden_link: page.hidden,
    link_list: page.linkList,
  });
  const sourceText = crop(page.text, mostSourceText) || null;
  const { title, content, authorName } = leased;
  if (leased.kind === 'trackback')
    return { title, content: content || page.excerpt, authorName: authorName || page.author, sourceText, signals };
  return { title: page.title, content: page.excerpt, authorName: page.author, sourceText, signals };
}

function withSignals(signals: readonly string[], found: Readonly<Record<string, boolean>>): string[] {
  const others = signals.filter((known) => !Object.hasOwn(found, known));
  return [...others, ...Object.keys(found).filter((signal) => found[signal])];
}

async function move(
  deps: Dependencies,
  leased: Submission,
  to: Status,
  reason: string | null,
  change: Change,
  verdict?: Verdict,
): Promise<void> {
  const now = deps.now();
  const done = { leasedUntil: null, dueAt: nextDue(leased, null), attempts: 0, lastFetchAt: now };
  const moved = await moveSubmission(deps.db, leased, {
    to,
    actor: 'worker',
    reason,
    now,
    change: { ...change, ...done },
    ...(verdict && { verdict }),
  });
  // Somebody was first: a moderator, whose decision stands, or a stronger ping for the same page. Look at what it is now.
  if (!moved) await endLease(deps.db, leased, now, now);
}

function reasonOf(look: Look): string {
  if (look.found === 'no_link') return 'the source does not link to the target';
  if (look.found === 'gone') return 'the source has been deleted';
  return look.found === 'unreachable' ? `the source could not be fetched (${look.detail})` : '';
}

function textOf({ title, content }: Pick<Submission, 'title' | 'content'>): string {
  return `${title ?? ''} ${content}`;
}

function recordOf(leased: Submission, fetched: FetchResult, look: Look, now: Date) {
  const base = { submissionId: leased.id, at: now, ms: Math.round(fetched.ms), hops: [...fetched.hops] };
  const detail = look.found === 'unreachable' ? look.detail.slice(0, 1_000) : null;
  const found = look.found === 'link' && look.page.loose ? 'loose_link' : look.found;
  if (!fetched.ok) return { ...base, url: leased.source ?? '', found, detail };
  const contentType = fetched.headers.contentType ?? null;
  return { ...base, url: fetched.url, status: fetched.status, contentType, bytes: fetched.body.length, found, detail };
}
