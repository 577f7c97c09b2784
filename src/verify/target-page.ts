// Fetches the pages of targets that the engine has not described, for the text that off-topic is measured against, and
// asks again whether they have changed. When they are due is decided where responses come in.
import { decodeHtml } from '../charset.ts';
import type { Db } from '../db/client.ts';
import { finishTarget, leaseTarget, mostPostText, type Target, type TargetPage } from '../db/targets.ts';
import { readPage } from '../html.ts';
import type { FetchedHeaders, FetchResult, SafeFetch } from '../safe-fetch.ts';
import { crop } from '../text.ts';
import type { Step } from '../worker.ts';

interface Dependencies {
  db: Db;
  now: () => Date;
  fetch: SafeFetch;
  attempts: number;
  retryMs: number;
  leaseMs: number;
}

/** The worker's step: one target page that is due. */
export function createTargetFetch(deps: Dependencies): Step {
  return {
    name: 'fetch target',
    concurrency: 2,
    restFactor: 2,
    async claim() {
      const leased = await leaseTarget(deps.db, deps.now(), deps.leaseMs);
      return leased === null ? null : () => fetchTarget(deps, leased);
    },
  };
}

async function fetchTarget({ db, now, fetch, attempts, retryMs }: Dependencies, target: Target): Promise<void> {
  const headers = conditions(target);
  const fetched = await fetch(target.url, { purpose: 'reading the post', headers });
  const page = readTarget(fetched, now());
  const isUnchanged = fetched.ok && fetched.status === 304 && Object.keys(headers).length > 0;
  const gone = fetched.ok && fetched.status === 410;
  const retry = page === null && !isUnchanged && !gone && target.attempts < attempts;
  const dueAt = retry ? new Date(now().getTime() + retryMs) : null;
  await finishTarget(db, target, { page, gone, now: now(), dueAt });
}

/** Asks for the page only if it has changed since its text was read (RFC 9110, 13.1). */
function conditions({ text, validators }: Target): Record<string, string> {
  if (text === null || validators === null) return {};
  const { etag, lastModified } = validators;
  return {
    ...(etag !== undefined && { 'If-None-Match': etag }),
    ...(lastModified !== undefined && { 'If-Modified-Since': lastModified }),
  };
}

function readTarget(fetched: FetchResult, now: Date): TargetPage | null {
  if (!fetched.ok || fetched.status < 200 || fetched.status > 299) return null;
  const { contentType } = fetched.headers;
  if (!/html|^$/i.test(contentType ?? '')) return null;
  const page = readPage(decodeHtml(fetched.body, contentType).text, fetched.url);
  return {
    title: page.headline ?? page.title,
    text: crop(page.text, mostPostText),
    publishedAt: possible(page.publishedAt, now),
    validators: validatorsOf(fetched.headers),
  };
}

/** The web began in 1990. */
const firstTime = Date.UTC(1990, 0);

/** A time that a post may have been published at, or null. */
function possible(time: Date | null, now: Date): Date | null {
  return time !== null && time.getTime() >= firstTime && time <= now ? time : null;
}

/** Longer ones are not worth sending back. */
const maxValidatorChars = 200;

function validatorsOf({ etag, lastModified }: FetchedHeaders): Target['validators'] {
  return {
    ...(etag !== undefined && etag.length <= maxValidatorChars && { etag }),
    ...(lastModified !== undefined && !Number.isNaN(Date.parse(lastModified)) && { lastModified }),
  };
}
