// The comment door: JSON from blog engines (with a token, believed) and from visitors' browsers (without, not), and plain
// forms with WordPress's field names.
import { Hono } from 'hono';
import { type Auth, type Caller, requireSite } from '../auth.ts';
import type { Verdict } from '../db/schema.ts';
import type { Site } from '../db/sites.ts';
import type { Submission } from '../db/submissions.ts';
import { CodedError } from '../errors.ts';
import { type Ctx, type Env, readBody } from '../http.ts';
import { tooMany } from '../limit.ts';
import { readComment } from './comment-input.ts';
import type { Door } from './door.ts';
import { errorPage } from './error-page.ts';
import { isAnyFormType } from './form.ts';
import type { Comment, Refusal } from './intake.ts';

interface Dependencies extends Door {
  auth: Auth;
  /** Bytes of a body for callers with a token: an engine sends the text of the post along. */
  maxTrustedBodyBytes: number;
  maxCommentChars: number;
  siteOf: (target: URL) => Promise<Site | null>;
  /** Whether some site has a base of this origin. */
  isSiteOrigin: (origin: string) => Promise<boolean>;
}

/** `POST /v1/comments` and `POST /v1/check`. */
export function createCommentDoor(deps: Dependencies): Hono<Env> {
  const door = new Hono<Env>();

  door.options('/comments', async (c) => {
    const origin = c.req.header('origin');
    if (origin === undefined) throw foreignOrigin(origin);
    await greet(deps, c, origin);
    return c.body(null, 204, {
      'Access-Control-Allow-Methods': 'POST',
      'Access-Control-Allow-Headers': 'Content-Type',
      'Access-Control-Max-Age': '600',
    });
  });

  door.post('/comments', async (c) => {
    const isForm = isAnyFormType(c.req.header('content-type'));
    try {
      const caller = await enter(deps, c);
      const { site, comment } = await read(deps, c, caller, isForm);
      const answer = await deps.intake.comment(comment, site);
      if (!answer.ok) throw refusal(answer.reason);
      return isForm ? c.redirect(comment.target.href, 303) : answerInJson(c, caller, answer);
    } catch (error) {
      if (!isForm || !(error instanceof CodedError)) throw error;
      // A form is sent by a person, whose browser shows the answer as a page.
      return c.html(errorPage(error.message), error.status);
    }
  });

  door.post('/check', async (c) => {
    const caller = await deps.auth.require(c, 'submit');
    const { site, comment } = await read(deps, c, caller, false);
    return c.json(answerOfCheck(await deps.intake.check(comment, site)));
  });
  return door;
}

/** Tells engines from visitors, who take turns and may come from pages of our sites only. */
async function enter(deps: Dependencies, c: Ctx): Promise<Caller | null> {
  const origin = c.req.header('origin');
  const caller = await deps.auth.identify(c);
  if (caller !== null) return caller;
  // Before anything else can go wrong: without these headers the page's script could not read what it was.
  if (origin !== undefined) await greet(deps, c, origin);
  await takeTurn(deps, c);
  return null;
}

function answerOfCheck(verdict: Verdict) {
  const { outcome, wouldBe = null, probability, reasons, groups, tokens } = verdict;
  return { outcome, wouldBe, probability, reasons, groups, tokens };
}

function answerInJson(
  c: Ctx,
  caller: Caller | null,
  { submission, repeated }: { submission: Submission; repeated: boolean },
): Response {
  const { id, status, probability } = submission;
  // A spammer who could read the verdict would try words until one passes.
  if (caller === null) return c.json({ id, status: status === 'spam' ? 'held' : status }, 202);
  return c.json({ id, status, probability, reasons: submission.verdict?.reasons ?? [] }, repeated ? 200 : 201);
}

/** Reads the comment and finds its site. Refuses callers that may not write there: tokens of other sites, pages of other origins. */
async function read(
  deps: Dependencies,
  c: Ctx,
  caller: Caller | null,
  isForm: boolean,
): Promise<{ site: Site; comment: Comment }> {
  const body = await readBody(c, caller === null ? deps.maxBodyBytes : deps.maxTrustedBodyBytes);
  const written = { body, contentType: c.req.header('content-type'), isForm, believed: caller !== null };
  const comment = readComment(written, deps.maxCommentChars);
  const site = await deps.siteOf(comment.target);
  if (site === null) throw refusal('unknown_target');
  if (caller !== null) {
    requireSite(caller, site.id);
    return { site, comment };
  }
  const origin = c.req.header('origin');
  if (origin !== undefined && !site.bases.some((base) => new URL(base).origin === origin)) throw foreignOrigin(origin);
  return { site, comment: { ...comment, ip: deps.address(c), userAgent: c.req.header('user-agent') ?? null } };
}

/** Lets a page of one of our sites read the answer. Throws `auth.foreign_origin` for any other page. */
async function greet(deps: Dependencies, c: Ctx, origin: string): Promise<void> {
  if (!(await deps.isSiteOrigin(origin))) throw foreignOrigin(origin);
  c.header('Access-Control-Allow-Origin', origin);
  c.header('Vary', 'Origin');
}

async function takeTurn(deps: Dependencies, c: Ctx): Promise<void> {
  const wait = await deps.limit(c);
  if (wait !== null) throw tooMany(c, wait);
}

function refusal(reason: Refusal): CodedError {
  if (reason === 'gone_target') return new CodedError('receive.gone_target', 'the post does not exist any more');
  if (reason === 'closed_target') return new CodedError('receive.closed_target', 'the post takes no comments any more');
  return new CodedError('receive.unknown_target', 'the target does not lie under a site of this service');
}

function foreignOrigin(origin: string | undefined): CodedError {
  return new CodedError('auth.foreign_origin', `pages of ${origin ?? 'no origin'} may not comment on this site`);
}
