// What the world sees of a target: its approved submissions, sanitised, without addresses and e-mail addresses.
import { Hono } from 'hono';
import { type Approved, approvedUnder } from '../db/approved.ts';
import type { Db } from '../db/client.ts';
import { findSiteOf } from '../db/sites.ts';
import { findTarget } from '../db/targets.ts';
import { CodedError } from '../errors.ts';
import type { Env } from '../http.ts';
import { parseHttpUrl, targetKey } from '../url.ts';
import { createRendering, type Rendering } from './rendering.ts';

/** Submissions of one target that are shown, and characters of their texts; the oldest come first. */
const mostShown = 1_000;
const mostChars = 2_000_000;

interface Published {
  id: string;
  kind: Approved['kind'];
  author: { name: string | null; url: string | null };
  title: string | null;
  html: string;
  source: string | null;
  publishedAt: string;
  replies: Published[];
}

/** `GET /published?target=<post URL>`; an unknown target is an empty list, so that asking tells nothing. */
export function createPublished({ db }: { db: Db }): Hono<Env> {
  const routes = new Hono<Env>();
  const render = createRendering();
  routes.get('/', async (c) => {
    const written = c.req.query('target');
    const target = written === undefined ? null : parseHttpUrl(written);
    if (target === null) throw new CodedError('http.bad_request', 'target: must be given, as an http or https URL');
    const found = await approvedAt(db, target);
    // A blog's page asks from the reader's browser, and everything here is public.
    return c.json({ target: written, count: found.length, items: threaded(found, render) }, 200, {
      'Access-Control-Allow-Origin': '*',
    });
  });
  return routes;
}

async function approvedAt(db: Db, url: URL): Promise<Approved[]> {
  const site = await findSiteOf(db, url);
  const target = site === null ? null : await findTarget(db, site.id, targetKey(url));
  const found = target === null ? [] : await approvedUnder(db, target.id, mostShown);
  let chars = 0;
  return found.filter(({ content }) => {
    chars += content.length;
    return chars <= mostChars;
  });
}

/** Replies under what they answer to; one whose parent is not shown stands at the top. */
function threaded(submissions: readonly Approved[], render: Rendering): Published[] {
  const shown = new Map(submissions.map((submission) => [submission.id, publishedOf(submission, render)]));
  const top: Published[] = [];
  for (const submission of submissions) {
    const item = shown.get(submission.id);
    const parent = submission.parentId === null ? undefined : shown.get(submission.parentId);
    if (item !== undefined) (parent?.replies ?? top).push(item);
  }
  return top;
}

function publishedOf(submission: Approved, render: Rendering): Published {
  const { id, kind, authorName, authorUrl, title, source } = submission;
  return {
    id,
    kind,
    author: { name: authorName, url: authorUrl },
    title,
    html: render(submission),
    source,
    publishedAt: (submission.submittedAt ?? submission.receivedAt).toISOString(),
    replies: [],
  };
}
