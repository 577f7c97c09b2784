import { sql } from 'drizzle-orm';
import { afterEach, expect, test } from 'vitest';
import { rows } from '../../src/db/client.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
afterEach(() => backtalk.stop());

const call = (source: string, target: string) =>
  `<methodCall><methodName>pingback.ping</methodName><params><param><value>${source}</value></param><param><value>${target}</value></param></params></methodCall>`;
const ping = async (source: string, target = backtalk.post) =>
  (await backtalk.request('POST', '/xmlrpc', { body: call(source, target), token: null })).text;
const verified = () =>
  until(async () => {
    const { items } = await backtalk.get('/v1/submissions');
    return items.length > 0 && items.every(({ status }: { status: string }) => status !== 'received') && items;
  });

/** Whether nobody looks at a submission's source, or is going to. */
async function isIdle(id: string): Promise<boolean> {
  const [row] = await rows<{ idle: boolean }>(
    backtalk.database.db,
    sql`select due_at is null and leased_until is null as idle from submissions where id = ${id}`,
  );
  return row?.idle === true;
}

test('P14: PINGBACK_DETAILED says what is wrong with the source', async () => {
  backtalk = await startTestService({ PINGBACK_DETAILED: 'true' });
  const { web } = backtalk;
  web.page('carol.example', '/broken', (_, response) => void response.writeHead(500).end());
  expect(await ping(web.url('alice.example', '/missing.html'))).toContain('<int>16</int>');
  expect(await ping(web.url('alice.example', '/nolink.html'))).toContain('<int>17</int>');
  expect(await ping(web.url('carol.example', '/broken'))).toContain('<int>50</int>');
  expect(await ping(web.url('alice.example', '/link.html'))).toContain('registered');
});

test('P14: by default no answer tells anything about the source', async () => {
  backtalk = await startTestService();
  const { web } = backtalk;
  const answers = [];
  for (const path of ['/missing.html', '/nolink.html', '/link.html']) {
    const source = web.url('alice.example', path);
    answers.push((await ping(source)).replace(source, 'SOURCE'));
  }
  expect(new Set(answers).size).toBe(1);
});

test('P18: the request to a source names who caused it', async () => {
  backtalk = await startTestService();
  const seen: Record<string, unknown>[] = [];
  backtalk.web.page('carol.example', '/watch', (request, response) => {
    seen.push(request.headers);
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="${backtalk.post}">x</a>`);
  });
  await ping(backtalk.web.url('carol.example', '/watch'));
  await verified();
  expect(seen[0]?.['user-agent']).toMatch(/^Backtalk\/\S+ \(\+http.*\); verifying pingback from 127\.0\.0\.1$/);
  expect(seen[0]?.['x-pingback-forwarded-for']).toBe('127.0.0.1');
});

test('S5: an address that is not public is not fetched unless it is allowed, and the moderator is told why', async () => {
  backtalk = await startTestService({ FETCH_ALLOW: '' });
  await ping(backtalk.web.url('alice.example', '/link.html'));
  const [item] = await verified();
  expect(item.status).toBe('invalid');
  expect(backtalk.web.visits('alice.example', '/link.html')).toBe(0);
  const { fetches } = await backtalk.get(`/v1/submissions/${item.id}`);
  expect(fetches[0]).toMatchObject({ found: 'unreachable', status: null });
  expect(fetches[0].detail).toMatch(/forbidden_/);
});

test('a ping that comes twice at the same moment is one submission', async () => {
  backtalk = await startTestService();
  const source = backtalk.web.url('alice.example', '/link.html');
  const answers = await Promise.all(Array.from({ length: 8 }, () => ping(source)));
  expect(answers.filter((answer) => answer.includes('registered. Keep'))).toHaveLength(1);
  expect(answers.filter((answer) => answer.includes('<int>48</int>'))).toHaveLength(7);
  expect(await verified()).toHaveLength(1);
});

test('a moderator who was quicker than the worker wins', async () => {
  backtalk = await startTestService();
  const source = backtalk.web.url('carol.example', '/held');
  let answer = () => {};
  let asked = 0;
  backtalk.web.page('carol.example', '/held', (_, response) => {
    asked += 1;
    const page = () =>
      void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<title>T</title><a href="${backtalk.post}">x</a>`);
    if (asked === 1) page();
    else answer = page;
  });
  await ping(source);
  const [{ id }] = await verified();
  await ping(source);
  await until(() => asked === 2);
  await backtalk.send(`/v1/submissions/${id}/spam`);
  answer();
  await until(async () => (await backtalk.get(`/v1/submissions/${id}`)).fetches.length === 2 && isIdle(id));
  const { status, history } = await backtalk.get(`/v1/submissions/${id}`);
  expect([status, history.at(-1).actor]).toEqual(['spam', 'ADMIN_TOKEN']);
  expect(asked).toBe(2);
});

test('what was marked as spam stays so when it is sent again, and is not even fetched', async () => {
  backtalk = await startTestService();
  const source = backtalk.web.url('alice.example', '/link.html');
  await ping(source);
  const [{ id }] = await verified();
  await backtalk.send(`/v1/submissions/${id}/spam`);
  expect(await ping(source)).toContain('<int>48</int>');
  // A later ping has been verified: the worker has been round.
  await ping(backtalk.web.url('alice.example', '/nolink.html'));
  await until(async () => (await backtalk.get('/v1/submissions?status=invalid')).items.length === 1);
  expect((await backtalk.get(`/v1/submissions/${id}`)).status).toBe('spam');
  expect(backtalk.web.visits('alice.example', '/link.html')).toBe(1);
});

test('repeats within REFETCH_MIN_MS cost the source one fetch', async () => {
  backtalk = await startTestService({ REFETCH_MIN_MS: '600000' });
  const source = backtalk.web.url('alice.example', '/link.html');
  await ping(source);
  await verified();
  for (let n = 0; n < 5; n += 1) await ping(source);
  await ping(backtalk.web.url('alice.example', '/nolink.html'));
  await until(async () => (await backtalk.get('/v1/submissions?status=invalid')).items.length === 1);
  expect(backtalk.web.visits('alice.example', '/link.html')).toBe(1);
  backtalk.advance(600_001);
  await until(() => backtalk.web.visits('alice.example', '/link.html') === 2);
});

test('when the text of the post arrives, held comments under it are judged again and stay held', async () => {
  backtalk = await startTestService();
  let open = () => {};
  const target = backtalk.web.url('blog.example', '/late-post');
  backtalk.web.page('blog.example', '/late-post', (_, response) => {
    open = () =>
      void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<title>Late</title><article>Sourdough, rye flour, oven and crust</article>');
  });
  const { id } = await backtalk.comment({
    target,
    content: 'I bake my rye sourdough in a hotter oven, for the crust.',
  });
  const relevance = async () => {
    const { verdict, status } = await backtalk.get(`/v1/submissions/${id}`);
    expect(status).toBe('held');
    return verdict.groups.find(({ group }: { group: string }) => group === 'relevance').weight;
  };
  expect(await relevance()).toBe(0);
  await until(() => backtalk.web.visits('blog.example', '/late-post') === 1);
  open();
  await until(async () => (await relevance()) !== 0);
});

test('a sender address is kept as it is for IP_KEEP_HOURS, then as a hash and its network only', async () => {
  backtalk = await startTestService({ IP_KEEP_HOURS: '72' });
  const { id } = await backtalk.comment({ ip: '192.0.2.77' });
  const read = async (id: string) =>
    (
      await rows<Record<string, string | null>>(
        backtalk.database.db,
        sql`select ip, ip_hash, ip_net from submissions where id = ${id}`,
      )
    )[0];
  expect(await read(id)).toEqual({
    ip: '192.0.2.77',
    ip_hash: expect.stringMatching(/^[0-9a-f]{32}$/),
    ip_net: '192.0.2.0/24',
  });
  backtalk.advance(71 * 3_600_000);
  const { id: later } = await backtalk.comment({ ip: '2001:db8:1:2::3' });
  backtalk.advance(2 * 3_600_000);
  await until(async () => (await read(id))?.ip === null);
  expect((await read(id))?.ip_net).toBe('192.0.2.0/24');
  // One that came in 71 hours after it was there when the worker cut the first.
  expect(await read(later)).toMatchObject({ ip: '2001:db8:1:2::3', ip_net: '2001:db8:1::/48' });
});

test('a repeat that comes in while the source is being looked at makes it due once more', async () => {
  backtalk = await startTestService();
  const source = backtalk.web.url('carol.example', '/edited');
  const open: (() => void)[] = [];
  backtalk.web.page('carol.example', '/edited', (_, response) => {
    const title = `Version ${open.length + 1}`;
    open.push(() => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(`<title>${title}</title><p>I baked <a href="${backtalk.post}">it</a></p>`);
    });
  });
  await ping(source);
  await until(() => open.length === 1);
  open[0]?.();
  const [{ id }] = await verified();
  await ping(source);
  await until(() => open.length === 2);
  await ping(source);
  open[1]?.();
  await until(() => open.length === 3);
  open[2]?.();
  await until(async () => (await backtalk.get(`/v1/submissions/${id}`)).title === 'Version 3');
});

test('a page that sends a pingback while its TrackBack is being verified is verified as strictly as a pingback', async () => {
  backtalk = await startTestService();
  const source = backtalk.web.url('carol.example', '/both');
  const open: (() => void)[] = [];
  backtalk.web.page('carol.example', '/both', (_, response) => {
    open.push(() => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>No link here</p>'));
  });
  const body = new URLSearchParams({ url: source, title: 'Both' }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  await backtalk.request('POST', `/trackback?target=${backtalk.post}`, { body, headers, token: null });
  await until(() => open.length === 1);
  expect(await ping(source)).toContain('<int>48</int>');
  open[0]?.();
  await until(() => open.length === 2);
  open[1]?.();
  const [item] = await verified();
  expect(item).toMatchObject({ kind: 'pingback', status: 'invalid' });
});

test('S9: one host is fetched from at most HOST_FETCHES_PER_MINUTE times a minute, and the rest waits', async () => {
  backtalk = await startTestService({ HOST_FETCHES_PER_MINUTE: '3' });
  const visits = (n: number) => backtalk.web.visits('carol.example', `/${n}`);
  for (let n = 0; n < 5; n += 1) await ping(backtalk.web.url('carol.example', `/${n}?`));
  // Another host has its own turns.
  await ping(backtalk.web.url('alice.example', '/link.html'));
  await until(async () => (await backtalk.get('/v1/submissions?status=held')).items.length === 1);
  await until(async () => (await waiting()) >= 2);
  expect([0, 1, 2, 3, 4].reduce((sum, n) => sum + visits(n), 0)).toBe(3);
});

async function waiting(): Promise<number> {
  const [row] = await rows<{ count: string }>(
    backtalk.database.db,
    sql`select count(*) as count from submissions where status = 'received' and leased_until is null and due_at > now() + interval '5 seconds'`,
  );
  return Number(row?.count);
}

test('the page of a post whose title alone the engine told is fetched for its text', async () => {
  backtalk = await startTestService();
  const target = backtalk.web.url('blog.example', '/titled');
  backtalk.web.page('blog.example', '/titled', '<title>Its own title</title><article>Sourdough and rye</article>');
  await backtalk.comment({ target, post: { title: 'The title that the engine told' } });
  const read = async () => (await backtalk.get('/v1/targets')).items[0];
  await until(async () => (await read()).fetchedAt !== null);
  expect(await read()).toMatchObject({ title: 'The title that the engine told', registered: true });
});

test('a host that never answers keeps its share of the fetches only, and others are verified meanwhile', async () => {
  backtalk = await startTestService({ VERIFY_CONCURRENCY: '4', FETCH_TIMEOUT_MS: '60000', STOP_TIMEOUT_MS: '0' });
  const hanging = backtalk.web.url('carol.example', '');
  for (let n = 0; n < 6; n += 1) {
    backtalk.web.page('carol.example', `/hang-${n}`, () => {});
    await ping(`${hanging}/hang-${n}`);
  }
  await ping(backtalk.web.url('alice.example', '/link.html'));
  await until(async () => (await backtalk.get('/v1/submissions?status=held')).items.length === 1);
  const visits = [0, 1, 2, 3, 4, 5].map((n) => backtalk.web.visits('carol.example', `/hang-${n}`));
  expect(visits.reduce((sum, count) => sum + count)).toBe(1);
});
