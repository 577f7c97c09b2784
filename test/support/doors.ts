// Short words for knocking at the doors as their clients do, and for reading what they answer.
import type { Answer, Json, TestService } from './service.ts';

export interface XmlRpcAnswer extends Answer {
  /** The fault, or null where the answer is a result. */
  fault: { code: number; message: string } | null;
}

/** A string parameter as most clients write it. */
export function stringParam(text: string): string {
  return `<param><value><string>${escaped(text)}</string></value></param>`;
}

/** A method call with these `<param>` elements. */
export function methodCall(method: string, ...params: string[]): string {
  return `<?xml version="1.0"?>\n<methodCall><methodName>${method}</methodName><params>${params.join('')}</params></methodCall>`;
}

/** A `pingback.ping` of two strings. */
export function pingCall(source: string, target: string): string {
  return methodCall('pingback.ping', stringParam(source), stringParam(target));
}

/** Sends a body to the XML-RPC door. */
export async function xmlRpc(
  backtalk: TestService,
  body: string | Uint8Array,
  headers: Record<string, string> = { 'content-type': 'text/xml' },
): Promise<XmlRpcAnswer> {
  const answer = await backtalk.request('POST', '/xmlrpc', { body, headers, token: null });
  const code = /<name>faultCode<\/name>\s*<value><int>(-?\d+)</.exec(answer.text)?.[1];
  const message = /<name>faultString<\/name>\s*<value><string>([\s\S]*?)<\/string>/.exec(answer.text)?.[1] ?? '';
  const fault = answer.text.includes('<fault>') ? { code: Number(code), message } : null;
  return Object.assign(answer, { fault });
}

/** Sends a ping to the TrackBack door; `error` is the number in its answer, NaN without one. */
export async function trackBack(
  backtalk: TestService,
  form: string | Uint8Array | Record<string, string>,
  options: { path?: string; contentType?: string; headers?: Record<string, string> } = {},
): Promise<Answer & { error: number }> {
  const { path = `/trackback?target=${encodeURIComponent(backtalk.post)}` } = options;
  const { contentType = 'application/x-www-form-urlencoded', headers = {} } = options;
  const body =
    typeof form === 'string' || form instanceof Uint8Array
      ? form
      : new URLSearchParams(Object.entries(form)).toString();
  const answer = await backtalk.request('POST', path, {
    body,
    headers: { 'content-type': contentType, ...headers },
    token: null,
  });
  return Object.assign(answer, { error: Number(/<error>(\d+)<\/error>/.exec(answer.text)?.[1]) });
}

/** All submissions of a source, whatever became of them. */
export async function ofSource(backtalk: TestService, source: string): Promise<Json[]> {
  const { items } = await backtalk.get('/v1/submissions?sort=newest&limit=200');
  return items.filter((item: Json) => item.source === source);
}

/** A source page that links to the post, and is asked for under a path of its own. */
export function linkingPage(backtalk: TestService, path: string, host = 'alice.example'): string {
  backtalk.web.page(host, path, `<title>On bread</title><p>I tried <a href="${backtalk.post}">this loaf</a>.</p>`);
  return backtalk.web.url(host, path);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
