import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDataFolder, createPostgresDatabase } from '../support/database.ts';
import { ask, type Running, startProcess } from '../support/process.ts';
import { until } from '../support/service.ts';
import { startWeb, type Web } from '../support/web.ts';

let web: Web;
let settings: Record<string, string>;
let clean: () => Promise<void>;
const running: Running[] = [];

beforeAll(async () => {
  web = await startWeb();
  const place = await database();
  clean = place.clean;
  // A process resolves names for itself, so that its web has addresses for names.
  const blog = web.url('127.0.0.1');
  settings = {
    SITES: blog,
    FETCH_ALLOW: '127.0.0.1/32',
    VERIFY_DELAY_MS: '0',
    VERIFY_RETRY_MS: '100',
    WORKER_IDLE_MS: '20',
    ...place.settings,
  };
});
afterAll(async () => {
  await Promise.all(running.map((one) => one.end('SIGKILL')));
  await clean();
  await web.close();
});

async function database(): Promise<{ settings: Record<string, string>; clean: () => Promise<void> }> {
  if (process.env.TEST_DATABASE_URL !== undefined) {
    const { url, drop } = await createPostgresDatabase();
    return { settings: { DATABASE_URL: url }, clean: drop };
  }
  const folder = await createDataFolder();
  return { settings: { DATA_DIR: folder }, clean: () => rm(folder, { recursive: true, force: true }) };
}

async function start(more: Record<string, string> = {}): Promise<Running> {
  const one = await startProcess({ ...settings, ...more });
  running.push(one);
  return one;
}

const pingback = (source: string, target: string) =>
  `<?xml version="1.0"?><methodCall><methodName>pingback.ping</methodName><params><param><value>${source}</value></param><param><value>${target}</value></param></params></methodCall>`;

test('kill -9 at any moment loses nothing that was acknowledged: comments, pings, decisions', {
  timeout: 120_000,
}, async () => {
  const target = web.url('127.0.0.1', '/post');
  const acknowledged = { comments: new Set<string>(), pings: new Set<string>(), approved: new Set<string>() };
  const source = (n: number) => web.url('127.0.0.1', `/source/${n}`);
  let n = 0;
  for (let round = 0; round < 4; round += 1) {
    const service = await start();
    const last = n + 6 + 5 * round;
    const killed = new Promise<void>((resolve) => {
      const write = async () => {
        for (; ; n += 1) {
          if (n === last) void service.end('SIGKILL').then(() => resolve());
          web.page('127.0.0.1', `/source/${n}`, `<title>Page ${n}</title><a href="${target}">the post</a>`);
          const { id } = await ask(service, 'POST', '/v1/comments', {
            target,
            author: { name: 'Ann' },
            content: `Comment ${n}`,
            ref: `${n}`,
          });
          acknowledged.comments.add(id);
          const answer = await ask(service, 'POST', '/xmlrpc', pingback(source(n), target));
          if (answer.includes('registered')) acknowledged.pings.add(source(n));
          const { submission } = await ask(service, 'POST', `/v1/submissions/${id}/approve`);
          acknowledged.approved.add(submission.id);
        }
      };
      write().catch(() => {});
    });
    await killed;
    n += 1;
  }
  expect(acknowledged.approved.size).toBeGreaterThan(20);

  const service = await start();
  const all = await everything(service);
  for (const id of acknowledged.comments) expect(all.has(id)).toBe(true);
  for (const id of acknowledged.approved) expect(all.get(id)?.status).toBe('approved');
  const sources = new Set([...all.values()].map((item) => item.source));
  for (const ping of acknowledged.pings) expect(sources.has(ping)).toBe(true);
  // What the killed processes had in hand is taken up again when its lease ends.
  await until(
    async () => [...(await everything(service)).values()].every((item) => item.status !== 'received'),
    60_000,
  );
  expect(await service.end('SIGTERM')).toBe(0);
});

test('a ping that was being verified when the process was killed is verified after the restart', {
  timeout: 120_000,
}, async () => {
  const target = web.url('127.0.0.1', '/slow-post');
  const source = web.url('127.0.0.1', '/slow-source');
  // The first process gets no answer from this page before it is killed.
  let asked = 0;
  web.page('127.0.0.1', '/slow-source', (_, response) => {
    asked += 1;
    if (asked > 1)
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<title>Slow</title><a href="${target}">post</a>`);
  });
  // On a shared database the lease of a killed worker holds for as long as its fetch might have taken. An embedded one has
  // no other workers, so it must not be waited for.
  const isShared = process.env.TEST_DATABASE_URL !== undefined;
  const before = await start({ FETCH_TIMEOUT_MS: isShared ? '1000' : '120000' });
  await ask(before, 'POST', '/xmlrpc', pingback(source, target));
  await until(() => asked === 1);
  await before.end('SIGKILL');

  const after = await start();
  const item = await until(
    async () =>
      [...(await everything(after)).values()].find((found) => found.source === source && found.status === 'held'),
    60_000,
  );
  expect(item.title).toBe('Slow');
  expect(await after.end('SIGTERM')).toBe(0);
});

// biome-ignore lint/suspicious/noExplicitAny: the shape of answers is what tests look at
async function everything(service: Running): Promise<Map<string, any>> {
  const found = new Map();
  let next: string | null = '';
  while (next !== null) {
    const page: { items: { id: string }[]; next: string | null } = await ask(
      service,
      'GET',
      `/v1/submissions?limit=200&cursor=${next}`,
    );
    for (const item of page.items) found.set(item.id, item);
    next = page.next;
  }
  return found;
}
