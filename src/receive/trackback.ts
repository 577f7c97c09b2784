// The TrackBack door (TrackBack 1.2): a form post, answered in its XML by HTTP 200 with `<error>`. What it says is a
// claim: the page behind it is fetched later.
import { Hono } from 'hono';
import { CodedError } from '../errors.ts';
import { type Ctx, type Env, isId, readBody } from '../http.ts';
import { cleanText, collapse, crop, decodeEntities, escapeXml } from '../text.ts';
import { acceptedUrls, parseHttpUrl } from '../url.ts';
import { type Door, xmlAnswer } from './door.ts';
import { isFormType, readForm } from './form.ts';
import type { Refusal } from './intake.ts';

/** Lengths at which what a ping claims is cropped, as Movable Type and WordPress crop it. */
const lengths = { title: 250, excerpt: 255, blogName: 255 };

interface Dependencies extends Door {
  /** The URL of a target by its id, or null. */
  targetById: (id: string) => Promise<URL | null>;
  /** The first base of a site by its id, or null. */
  siteBase: (id: string) => Promise<URL | null>;
}

/** The door. All below its path is answered in TrackBack's XML, since senders read nothing else. */
export function createTrackbackDoor(deps: Dependencies): Hono<Env> {
  return new Hono<Env>().all('/*', (c) => answer(deps, c));
}

/**
 * The target that a ping URL names: `?target=<post URL>`, `/<target id>`, or `/<site id>/<path of the post>`, with or
 * without the `/trackback` that WordPress's form has behind it. Null where there is none.
 */
async function targetOf(deps: Dependencies, c: Ctx): Promise<URL | null> {
  const { pathname, search } = new URL(c.req.url);
  const [, , id = '', ...path] = pathname.split('/');
  if (id === '') return parseHttpUrl(c.req.query('target') ?? '');
  if (!isId(id)) return null;
  const named = path.join('') === '' ? await deps.targetById(id) : null;
  if (named !== null) return named;
  const base = await deps.siteBase(id);
  const post = path.join('/').replace(/(^|\/)trackback\/?$/, '$1');
  return base === null ? null : parseHttpUrl(`${base.origin}/${post}${search}`);
}

async function answer(deps: Dependencies, c: Ctx): Promise<Response> {
  try {
    if (c.req.method !== 'POST') return failure(c, 'Trackback pings must use HTTP POST', 405);
    const body = await readBody(c, deps.maxBodyBytes);
    const wait = await deps.limit(c);
    if (wait !== null) return failure(c, `too many requests from your address; try again in ${wait} s`);
    const problem = await receive(deps, c, body);
    return problem === null ? success(c) : failure(c, problem);
  } catch (error) {
    if (error instanceof CodedError)
      return failure(c, error.message, error.status === 413 || error.status === 415 ? error.status : 200);
    deps.report(error);
    return failure(c, 'internal error; nothing was registered');
  }
}

/** Takes a ping in. Answers what is wrong with it, or null. */
async function receive(deps: Dependencies, c: Ctx, body: Buffer): Promise<string | null> {
  const contentType = c.req.header('content-type');
  if (contentType !== undefined && !isFormType(contentType))
    return 'a TrackBack ping is a form: send it as application/x-www-form-urlencoded';
  const form = readForm(body, contentType);
  if (!form.ok) return form.problem;
  const url = cleanText(form.fields.get('url') ?? '').trim();
  if (url === '') return 'the ping has no url';
  const source = parseHttpUrl(url);
  if (source === null) return `the url of the ping is not ${acceptedUrls}`;
  const target = await targetOf(deps, c);
  if (target === null) return refusals.unknown_target;

  // Cleaned last, since `&#1;` is a control character too.
  const claim = (name: string, most: number) =>
    crop(collapse(cleanText(decodeEntities(form.fields.get(name) ?? ''))), most);
  const result = await deps.intake.ping({
    kind: 'trackback',
    source,
    target,
    title: claim('title', lengths.title) || source.href,
    content: claim('excerpt', lengths.excerpt),
    authorName: claim('blog_name', lengths.blogName),
    ip: deps.address(c),
    userAgent: c.req.header('user-agent'),
  });
  if (!result.ok) return refusals[result.reason];
  return result.repeated ? 'There is already a ping from that URL for this post.' : null;
}

const refusals: Record<Refusal, string> = {
  same_url: 'the url of the ping is the post itself',
  own_source: 'a page of this service cannot send a ping',
  unknown_target: 'the post does not belong to a site of this service',
  gone_target: 'the post does not exist any more',
  closed_target: 'the post takes no pings any more',
};

function success(c: Ctx): Response {
  return xmlAnswer(c, '<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>0</error>\n</response>', 200);
}

function failure(c: Ctx, message: string, status: 200 | 405 | 413 | 415 = 200): Response {
  const document = `<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>1</error>\n<message>${escapeXml(message)}</message>\n</response>`;
  if (status === 405) c.header('Allow', 'POST');
  return xmlAnswer(c, document, status);
}
