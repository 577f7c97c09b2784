// Fetches the pages of targets that the engine has not described, for the text that off-topic is measured against.
import { decodeHtml } from '../charset.ts';
import type { Db } from '../db/client.ts';
import { finishTarget, leaseTarget, mostPostText, type Target } from '../db/targets.ts';
import { readPage } from '../html.ts';
import type { SafeFetch } from '../safe-fetch.ts';
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
  const fetched = await fetch(target.url, { purpose: 'reading the post' });
  const isPage =
    fetched.ok && fetched.status >= 200 && fetched.status < 300 && /html|^$/i.test(fetched.headers.contentType ?? '');
  const gone = fetched.ok && fetched.status === 410;
  const retry = !isPage && !gone && target.attempts < attempts;
  const dueAt = retry ? new Date(now().getTime() + retryMs) : null;
  const page = isPage ? readPage(decodeHtml(fetched.body, fetched.headers.contentType).text, fetched.url) : null;
  const described = page === null ? null : { title: page.title, text: crop(page.text, mostPostText) };
  await finishTarget(db, target, { page: described, gone, now: now(), dueAt });
}
