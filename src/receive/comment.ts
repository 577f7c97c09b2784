// The comment door: JSON from blog engines (with a token, believed) and from visitors' browsers (without, not), and plain
// forms with WordPress's field names.
import { Hono } from 'hono';
import { z } from 'zod';
import { type Auth, type Caller, requireSite } from '../auth.ts';
import { decodeForm } from '../charset.ts';
import type { Verdict } from '../db/schema.ts';
import type { Site } from '../db/sites.ts';
import type { Submission } from '../db/submissions.ts';
import { CodedError } from '../errors.ts';
import { type Ctx, checked, type Env, parseJson, readBody } from '../http.ts';
import { cleanText } from '../text.ts';
import { parseHttpUrl } from '../url.ts';
import { errorPage } from './error-page.ts';
import type { Comment, Intake, Refusal } from './intake.ts';

interface Dependencies {
  intake: Intake;
  auth: Auth;
  maxBodyBytes: number;
  maxCommentChars: number;
  /** Takes the caller's turn; seconds to wait if there is none left. */
  limit: (c: Ctx) => Promise<number | null>;
  address: (c: Ctx) => string;
  siteOf: (target: URL) => Promise<Site | null>;
  /** Whether some site has a base of this origin. */
  isSiteOrigin: (origin: string) => Promise<boolean>;
}

/** `POST /v1/comments` and `POST /v1/check`. */
export function createCommentDoor(deps: Dependencies): Hono<Env> {
  const read = commentReader(deps.maxCommentChars);
  const door = new Hono<Env>();

  door.options('/comments', async (c) => {
    const origin = c.req.header('origin');
    if (origin === undefined || !(await deps.isSiteOrigin(origin))) throw foreignOrigin(origin);
    return c.body(null, 204, {
      ...corsHeaders(origin),
      'Access-Control-Allow-Methods': 'POST',
      'Access-Control-Allow-Headers': 'Content-Type, Idempotency-Key',
      'Access-Control-Max-Age': '600',
    });
  });

  door.post('/comments', async (c) => {
    const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(c.req.header('content-type') ?? '');
    try {
      const caller = await deps.auth.identify(c);
      await takeTurn(deps, c, caller);
      const body = await readBody(c, deps.maxBodyBytes);
      const input = isForm
        ? readForm(body, c.req.header('content-type'))
        : parseJson(body, bodySchema, 'receive.bad_input');
      const { site, comment } = await accept(deps, c, caller, read(input, caller));
      const answer = await deps.intake.comment(comment, site);
      if (!answer.ok) throw refusal(answer.reason);
      return isForm ? c.redirect(comment.target.href, 303) : answerInJson(c, caller, answer);
    } catch (error) {
      // A form is sent by a person, whose browser shows the answer as a page.
      if (isForm && error instanceof CodedError) return c.html(errorPage(error.message), error.status);
      throw error;
    }
  });

  door.post('/check', async (c) => {
    const caller = await deps.auth.require(c, 'submit');
    const body = await readBody(c, deps.maxBodyBytes);
    const { site, comment } = await accept(
      deps,
      c,
      caller,
      read(parseJson(body, bodySchema, 'receive.bad_input'), caller),
    );
    return c.json(answerOfCheck(await deps.intake.check(comment, site)));
  });
  return door;
}

function answerOfCheck(verdict: Verdict) {
  const { outcome, probability, reasons, groups, tokens } = verdict;
  return { outcome, probability, reasons, groups, tokens };
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

/** A form with WordPress's field names; `comment_parent` is 0 where there is none. */
function readForm(body: Buffer, contentType: string | undefined): Input {
  const form = decodeForm(body, contentType);
  if (!form.ok) throw new CodedError('http.bad_form', 'the form cannot be read: its encoding is not supported');
  const field = (name: string) => form.fields.get(name);
  const parent = field('comment_parent');
  const fields = {
    target: field('target'),
    author: { name: field('author'), email: field('email'), url: field('url') },
    content: field('comment'),
    parent: parent === '0' ? undefined : parent,
  };
  return checked(fields, bodySchema, 'receive.bad_input');
}

/** Finds the site, and refuses callers that may not write to it: tokens of other sites, pages of other origins. */
async function accept(
  deps: Dependencies,
  c: Ctx,
  caller: Caller | null,
  comment: Comment,
): Promise<{ site: Site; comment: Comment }> {
  const site = await deps.siteOf(comment.target);
  if (site === null) throw refusal('unknown_target');
  if (caller !== null) {
    requireSite(caller, site.id);
    return { site, comment };
  }
  const origin = c.req.header('origin');
  if (origin !== undefined) {
    if (!site.bases.some((base) => new URL(base).origin === origin)) throw foreignOrigin(origin);
    for (const [name, value] of Object.entries(corsHeaders(origin))) c.header(name, value);
  }
  return {
    site,
    comment: { ...comment, ip: deps.address(c), userAgent: cleanText(c.req.header('user-agent') ?? '') || null },
  };
}

async function takeTurn(deps: Dependencies, c: Ctx, caller: Caller | null): Promise<void> {
  const wait = caller === null ? await deps.limit(c) : null;
  if (wait === null) return;
  c.header('Retry-After', String(wait));
  throw new CodedError('http.rate_limited', `too many requests from your address; try again in ${wait} s`);
}

const optionalText = z.string().nullish();
const bodySchema = z.object({
  target: z.string(),
  author: z.object({ name: z.string(), email: optionalText, url: optionalText }),
  content: z.string(),
  parent: optionalText,
  ref: optionalText,
  ip: optionalText,
  userAgent: optionalText,
  submittedAt: z.iso.datetime({ offset: true }).nullish(),
  post: z.object({ title: optionalText, text: optionalText }).nullish(),
});
type Input = z.output<typeof bodySchema>;
type CommentReader = (input: Input, caller: Caller | null) => Comment;

const most = { name: 200, email: 254, ref: 200, ip: 45, userAgent: 1_000, title: 500 };

/** Turns input into a comment: texts cleaned, lengths checked, and of a visitor only what a visitor may say. */
function commentReader(maxCommentChars: number): CommentReader {
  return (input, caller) => {
    const target = parseHttpUrl(input.target);
    if (target === null) throw badField('target', 'must be an http or https URL');
    const text = (field: string, value: string | null | undefined, limit: number) => {
      const clean = cleanText(value ?? '').trim();
      if (clean.length > limit) throw badField(field, `must have at most ${limit} characters`);
      return clean === '' ? null : clean;
    };
    const name = text('author.name', input.author.name, most.name);
    if (name === null) throw badField('author.name', 'must not be empty');
    const content = text('content', input.content, maxCommentChars);
    if (content === null) throw badField('content', 'must not be empty');
    const email = text('author.email', input.author.email, most.email);
    if (email !== null && !/^[^\s@]+@[^\s@]+$/.test(email)) throw badField('author.email', 'must be an e-mail address');
    const said = {
      target,
      author: { name, email, url: authorUrl(input.author.url) },
      content,
      parent: text('parent', input.parent, most.ref + 4),
    };
    if (caller === null) return { ...said, ref: null, ip: null, userAgent: null, submittedAt: null, post: null };
    const title = text('post.title', input.post?.title, most.title);
    const post = text('post.text', input.post?.text, 10_000_000);
    return {
      ...said,
      ref: text('ref', input.ref, most.ref),
      ip: text('ip', input.ip, most.ip),
      userAgent: text('userAgent', input.userAgent, most.userAgent),
      submittedAt: input.submittedAt ? new Date(input.submittedAt) : null,
      post: title === null && post === null ? null : { ...(title && { title }), ...(post && { text: post }) },
    };
  };
}

/** The author's home page: people leave out the scheme. What is no web address is left out, so that no page ever links to it. */
function authorUrl(written: string | null | undefined): string | null {
  const text = cleanText(written ?? '').trim();
  if (text === '') return null;
  return (
    (parseHttpUrl(text) ?? (/^[a-z][a-z0-9+.-]*:/i.test(text) ? null : parseHttpUrl(`http://${text}`)))?.href ?? null
  );
}

function badField(field: string, problem: string): CodedError {
  return new CodedError('receive.bad_input', `${field}: ${problem}`, [{ field, problem }]);
}

function refusal(reason: Refusal): CodedError {
  if (reason === 'gone_target') return new CodedError('receive.gone_target', 'the post does not exist any more');
  if (reason === 'closed_target') return new CodedError('receive.closed_target', 'the post takes no comments any more');
  return new CodedError('receive.unknown_target', 'the target does not lie under a site of this service');
}

function foreignOrigin(origin: string | undefined): CodedError {
  return new CodedError('auth.foreign_origin', `pages of ${origin ?? 'no origin'} may not comment on this site`);
}

function corsHeaders(origin: string): Record<string, string> {
  return { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' };
}
