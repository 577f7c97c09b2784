// What a caller says of a comment, as JSON or as a form, made into a comment: texts cleaned, lengths checked, and of a
// visitor only what a visitor may say. Whether the comment is taken in is decided elsewhere.
import { isIP } from 'node:net';
import { z } from 'zod';
import { CodedError } from '../errors.ts';
import { checked, parseJson } from '../http.ts';
import { cleanText } from '../text.ts';
import { acceptedUrls, parseHttpUrl } from '../url.ts';
import { isFormType, readForm } from './form.ts';
import type { Comment } from './intake.ts';

/** One request for a comment, its body still unread. */
export interface Written {
  body: Buffer;
  contentType: string | undefined;
  isForm: boolean;
  /** Whether an engine vouches for what it forwards; a visitor's word is taken for the comment itself only. */
  believed: boolean;
}

const most = { name: 200, email: 254, ref: 200, ip: 45, userAgent: 1_000, title: 500 };

const optionalText = z.string().nullish();
const optionalTime = z.iso.datetime({ offset: true }).nullish();
const visitorSchema = z.object({
  target: z.string(),
  author: z.object({ name: z.string(), email: optionalText, url: optionalText }),
  content: z.string(),
  parent: optionalText,
});
const engineSchema = visitorSchema.extend({
  ref: optionalText,
  ip: optionalText,
  userAgent: optionalText,
  submittedAt: optionalTime,
  post: z.object({ title: optionalText, text: optionalText, publishedAt: optionalTime }).nullish(),
});

/**
 * Reads a comment. Throws `receive.bad_input` naming the first field that is wrong, or what is wrong with the body; of a
 * form in words for the person who filled it in.
 */
export function readComment(written: Written, maxChars: number): Comment {
  try {
    return readFields(written, maxChars);
  } catch (error) {
    if (!written.isForm || !(error instanceof CodedError)) throw error;
    throw new CodedError(
      error.code,
      error.message.replace(/^[a-z.]+(?=:)/, (field) => formWords.get(field) ?? field),
    );
  }
}

const formWords = new Map([
  ['author.name', 'Your name'],
  ['author.email', 'Your e-mail address'],
  ['author.url', 'Your web address'],
  ['content', 'Your comment'],
  ['target', 'The address of the page'],
  ['parent', 'The comment that you answer'],
]);

function readFields(written: Written, maxChars: number): Comment {
  if (!written.believed) {
    const nothing = { ref: null, ip: null, userAgent: null, submittedAt: null, post: null, forwarded: false };
    return { ...said(inputOf(written, visitorSchema), maxChars), ...nothing };
  }
  const input = inputOf(written, engineSchema);
  const ip = text('ip', input.ip, most.ip);
  if (ip !== null && isIP(ip) === 0) throw badField('ip', 'must be an IP address');
  const title = text('post.title', input.post?.title, most.title);
  const post = text('post.text', input.post?.text, Number.POSITIVE_INFINITY);
  const publishedAt = time('post.publishedAt', input.post?.publishedAt);
  return {
    ...said(input, maxChars),
    ref: text('ref', input.ref, most.ref),
    ip,
    userAgent: text('userAgent', input.userAgent, most.userAgent),
    submittedAt: time('submittedAt', input.submittedAt),
    post: {
      ...(title && { title }),
      ...(post && { text: post }),
      ...(publishedAt && { publishedAt }),
    },
    forwarded: true,
  };
}

function inputOf<Type extends z.ZodType>({ body, contentType, isForm }: Written, schema: Type): z.output<Type> {
  return isForm
    ? checked(formFields(body, contentType), schema, 'receive.bad_input')
    : parseJson(body, schema, 'receive.bad_input');
}

/** WordPress's field names; `comment_parent` is 0 where there is none. */
function formFields(body: Buffer, contentType: string | undefined): unknown {
  if (!isFormType(contentType)) {
    throw new CodedError('http.unsupported_type', 'a form must be sent as application/x-www-form-urlencoded');
  }
  const form = readForm(body, contentType);
  if (!form.ok) throw new CodedError('http.bad_form', form.problem);
  const field = (name: string) => form.fields.get(name);
  const parent = field('comment_parent');
  return {
    target: field('target'),
    author: { name: field('author'), email: field('email'), url: field('url') },
    content: field('comment'),
    parent: parent === '0' ? undefined : parent,
  };
}

/** The comment itself, which anybody may write. */
function said(input: z.output<typeof visitorSchema>, maxChars: number) {
  const target = parseHttpUrl(input.target);
  if (target === null) throw badField('target', `must be ${acceptedUrls}`);
  const name = text('author.name', input.author.name, most.name);
  if (name === null || !/[\p{L}\p{N}\p{P}\p{S}]/u.test(name)) throw badField('author.name', 'must not be empty');
  const content = text('content', input.content, maxChars);
  if (content === null) throw badField('content', 'must not be empty');
  const email = text('author.email', input.author.email, most.email);
  if (email !== null && !/^[^\s@]+@[^\s@]+$/.test(email)) throw badField('author.email', 'must be an e-mail address');
  const author = { name, email, url: authorUrl(input.author.url) };
  return { target, author, content, parent: text('parent', input.parent, most.ref + 'ref:'.length) };
}

function text(field: string, value: string | null | undefined, limit: number): string | null {
  const clean = cleanText(value ?? '').trim();
  if (clean.length > limit) throw badField(field, `must have at most ${limit} characters`);
  return clean === '' ? null : clean;
}

/** A time that every database can hold: an offset may lead out of the four digits of a year. */
function time(field: string, value: string | null | undefined): Date | null {
  if (value === null || value === undefined) return null;
  const at = new Date(value);
  const year = at.getUTCFullYear();
  if (!(year >= 1 && year <= 9_999)) throw badField(field, 'must be a time in the years 1 to 9999');
  return at;
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
