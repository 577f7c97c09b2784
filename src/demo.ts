// Plays one blog page from a file against a service of its own: all responses come in through the real doors, the worker
// verifies, a moderator decides over HTTP, and the published page is printed.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readConfig } from './config.ts';
import { plainText } from './sanitize.ts';
import { type Service, startService } from './service.ts';
import { collapse, escapeHtml, escapeXml } from './text.ts';

const responseSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('comment'), author: z.string(), content: z.string(), spam: z.boolean() }),
  z.object({ kind: z.literal('pingback'), title: z.string(), source_html: z.string(), spam: z.boolean() }),
]);
const pageSchema = z.object({
  title: z.string(),
  author: z.string().optional(),
  text: z.string(),
  responses: z.array(responseSchema).min(1).max(500),
});
type Page = z.output<typeof pageSchema>;

/** A submission as the demo reads it from the queue, with its place on the page. */
export interface Played {
  place: number;
  kind: string;
  name: string;
  status: string;
  probability: number;
  reasons: { code: string; detail: string }[];
  spam: boolean;
}

/** The page that is played when no other is named. */
export const builtInPage = fileURLToPath(new URL('../test/fixtures/page.json', import.meta.url));
const token = 'the-token-of-the-demo';

/**
 * Plays the page of a file (see test/fixtures/page.json for its shape) and prints what happens through `print`. Answers how
 * each response was judged, in the page's order. Throws an Error for a file that is no page.
 */
export async function playDemo(file: string, print: (line: string) => void): Promise<Played[]> {
  const page = await readPage(file);
  const folder = await mkdtemp(join(tmpdir(), 'backtalk-demo-'));
  const web = await startWeb(page);
  const config = readConfig({
    PORT: '0',
    DATA_DIR: folder,
    ADMIN_TOKEN: token,
    SITES: `${web.blog}/`,
    FETCH_ALLOW: '127.0.0.1/32',
    VERIFY_DELAY_MS: '0',
    WORKER_IDLE_MS: '20',
    RATE_PER_MINUTE: '0',
    LOG_LEVEL: 'error',
  });
  print('Starting a service with an empty database ...');
  let service: Service | null = null;
  try {
    service = await startService(config, { resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
    const desk = createDesk(service.url);
    print(`It listens at ${service.url}. The page is ${web.target}: "${page.title}"\n`);
    const ids = await sendAll(page, web, desk, print);
    const played = await Promise.all(ids.map((id, place) => readPlayed(desk, page, id, place)));
    printQueue(played, print);
    await decideAll(page, ids, desk, print);
    await printPublished(desk, web.target, print);
    return played;
  } finally {
    await service?.stop();
    await web.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function readPage(file: string): Promise<Page> {
  try {
    return pageSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new Error(`${file} is not a page that can be played: ${why}`);
  }
}

interface PlayedWeb {
  blog: string;
  target: string;
  /** The address of a response's linking page. */
  source(place: number): string;
  close(): Promise<void>;
}

/** Plays the blog and every linking page, each under a host of its own. */
async function startWeb(page: Page): Promise<PlayedWeb> {
  const pages = new Map<string, string>();
  const server = createServer((request, response) => {
    const found = pages.get(`http://${request.headers.host}${request.url}`);
    response
      .writeHead(found === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' })
      .end(found ?? 'not found');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const blog = `http://blog.example:${port}`;
  const target = `${blog}/post`;
  const source = (place: number) => `http://linking-page-${place + 1}.example:${port}/`;
  pages.set(
    target,
    `<!doctype html><title>${escapeHtml(page.title)}</title><article><p>${escapeHtml(page.text)}</p></article>`,
  );
  page.responses.forEach((response, place) => {
    if (response.kind === 'pingback') pages.set(source(place), response.source_html.replaceAll('{target}', target));
  });
  return {
    blog,
    target,
    source,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

// What the service answers is its own; it is read without a schema.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Answer = any;
type Desk = (method: string, path: string, body?: unknown) => Promise<Answer>;

function createDesk(url: string): Desk {
  return async (method, path, body) => {
    const isText = typeof body === 'string';
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': isText ? 'text/xml' : 'application/json' },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return isText ? text : JSON.parse(text);
  };
}

/** Sends the responses in the page's order and answers their ids once every ping has been verified. */
async function sendAll(page: Page, web: PlayedWeb, desk: Desk, print: (line: string) => void): Promise<string[]> {
  const ids: string[] = [];
  for (const [place, response] of page.responses.entries()) {
    if (response.kind === 'comment') {
      const { author, content } = response;
      const post = { title: page.title, text: page.text };
      const { id } = await desk('POST', '/v1/comments', {
        target: web.target,
        author: { name: author },
        content,
        ref: `${place}`,
        post,
      });
      print(`POST /v1/comments   ${author}`);
      ids.push(id);
    } else {
      const answer: string = await desk('POST', '/xmlrpc', pingbackCall(web.source(place), web.target));
      if (answer.includes('<fault>')) throw new Error(`a pingback was answered by a fault: ${answer}`);
      print(`POST /xmlrpc        pingback.ping from ${web.source(place)}`);
      ids.push(await verified(desk, web.source(place)));
    }
  }
  print('');
  return ids;
}

function pingbackCall(source: string, target: string): string {
  const params = [source, target]
    .map((url) => `<param><value><string>${escapeXml(url)}</string></value></param>`)
    .join('');
  return `<?xml version="1.0"?><methodCall><methodName>pingback.ping</methodName><params>${params}</params></methodCall>`;
}

async function verified(desk: Desk, source: string): Promise<string> {
  for (;;) {
    const { items } = await desk('GET', '/v1/submissions?kind=pingback&sort=newest');
    const found = items.find((item: Answer) => item.source === source && item.status !== 'received');
    if (found !== undefined) return found.id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function readPlayed(desk: Desk, page: Page, id: string, place: number): Promise<Played> {
  const { kind, author, title, status, probability, verdict } = await desk('GET', `/v1/submissions/${id}`);
  const name = kind === 'comment' ? author.name : title;
  return {
    place,
    kind,
    name,
    status,
    probability,
    reasons: verdict?.reasons ?? [],
    spam: page.responses[place]?.spam ?? false,
  };
}

function printQueue(played: readonly Played[], print: (line: string) => void): void {
  print('The queue, as a moderator sees it:\n');
  print(
    `${'#'.padStart(2)}  ${'kind'.padEnd(9)} ${'status'.padEnd(8)} ${'spam?'.padStart(6)}  ${'author or title'.padEnd(34)} top reasons`,
  );
  for (const { place, kind, status, probability, name, reasons } of played) {
    const [first, second] = reasons;
    const short = name.length > 33 ? `${name.slice(0, 32)}…` : name;
    print(
      `${String(place + 1).padStart(2)}  ${kind.padEnd(9)} ${status.padEnd(8)} ${`${(probability * 100).toFixed(1)}%`.padStart(6)}  ${short.padEnd(34)} ${first?.detail ?? ''}`,
    );
    if (second !== undefined) print(`${' '.repeat(64)}${second.detail}`);
  }
  print('');
}

async function decideAll(page: Page, ids: readonly string[], desk: Desk, print: (line: string) => void): Promise<void> {
  for (const [place, id] of ids.entries()) {
    const action = page.responses[place]?.spam ? 'spam' : 'approve';
    const { submission } = await desk('POST', `/v1/submissions/${id}/${action}`, {});
    print(`POST /v1/submissions/${id}/${action} -> ${submission.status}`);
  }
  print('');
}

async function printPublished(desk: Desk, target: string, print: (line: string) => void): Promise<void> {
  const { count, items } = await desk('GET', `/v1/published?target=${encodeURIComponent(target)}`);
  print(`GET /v1/published?target=${target}: ${count} published\n`);
  for (const { kind, author, title, html } of items) {
    print(`  ${kind === 'comment' ? author.name : `${title} (${kind})`}`);
    print(`    ${collapse(plainText(html))}\n`);
  }
}
