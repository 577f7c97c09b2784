import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

async function ping(source: string, target: string): Promise<string> {
  const body = `<?xml version="1.0"?><methodCall><methodName>pingback.ping</methodName><params>
    <param><value><string>${source}</string></value></param><param><value><string>${target}</string></value></param></params></methodCall>`;
  return (await backtalk.request('POST', '/xmlrpc', { body, token: null })).text;
}

const bySource = (source: string) => async () => {
  const { items } = await backtalk.get('/v1/submissions?sort=newest&limit=200');
  return items.find((item: { source: string; status: string }) => item.source === source && item.status !== 'received');
};

test('a comment is judged, held, approved and published', async () => {
  const target = backtalk.web.url('blog.example', '/approved');
  const { id, status, probability, reasons } = await backtalk.comment({
    target,
    author: { name: 'Ann', email: 'ann@example.org' },
  });
  expect(status).toBe('held');
  expect(probability).toBeLessThan(0.5);
  expect(reasons.length).toBeGreaterThan(0);
  expect(await backtalk.get(`/v1/published?target=${target}`)).toMatchObject({ count: 0, items: [] });

  const { submission, decision } = await backtalk.send(`/v1/submissions/${id}/approve`);
  expect(submission).toMatchObject({ id, status: 'approved', version: 2 });
  expect(decision).toMatchObject({ action: 'approve', actor: 'ADMIN_TOKEN', undoneAt: null });

  const published = await backtalk.request('GET', `/v1/published?target=${target}`, { token: null });
  expect(published.json).toMatchObject({
    count: 1,
    items: [{ id, kind: 'comment', author: { name: 'Ann' }, replies: [] }],
  });
  expect(published.text).not.toContain('ann@example.org');
});

test('a pingback is acknowledged at once, verified by its page and held with title, excerpt and author', async () => {
  const source = backtalk.web.url('alice.example', '/link.html');
  expect(await ping(source, backtalk.post)).toContain('registered');
  const item = await until(bySource(source));
  expect(item).toMatchObject({
    kind: 'pingback',
    status: 'held',
    title: 'Weekend baking & other failures',
    author: { name: 'Alice' },
  });
  expect(item.content).toContain('this sourdough recipe');

  const { verdict, fetches, history } = await backtalk.get(`/v1/submissions/${item.id}`);
  expect(fetches).toMatchObject([{ status: 200, found: 'link' }]);
  expect(history.map((move: { to: string }) => move.to)).toEqual(['received', 'held']);
  const logit = verdict.groups.reduce((sum: number, { weight }: { weight: number }) => sum + weight, 0);
  expect(1 / (1 + Math.exp(-logit))).toBeCloseTo(verdict.probability, 9);
});

test('a page without the link makes its pingback invalid, and it never reaches the queue', async () => {
  const source = backtalk.web.url('alice.example', '/nolink.html');
  await ping(source, backtalk.post);
  const item = await until(bySource(source));
  expect(item.status).toBe('invalid');
  const { history } = await backtalk.get(`/v1/submissions/${item.id}`);
  expect(history.at(-1)).toMatchObject({
    to: 'invalid',
    actor: 'worker',
    reason: 'the source does not link to the target',
  });
});

test('a page that cannot be fetched is tried again before its pingback is invalid', async () => {
  const source = backtalk.web.url('carol.example', '/flaky');
  backtalk.web.page('carol.example', '/flaky', (_, response) => void response.writeHead(503).end());
  await ping(source, backtalk.post);
  const item = await until(bySource(source));
  expect(item.status).toBe('invalid');
  expect(backtalk.web.visits('carol.example', '/flaky')).toBe(3);
});

test('a page that comes back between the tries makes the pingback good', async () => {
  const source = backtalk.web.url('carol.example', '/late');
  let asked = 0;
  backtalk.web.page('carol.example', '/late', (_, response) => {
    asked += 1;
    if (asked < 3) return void response.writeHead(404).end();
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<title>Late</title><p>See <a href="${backtalk.post}">the recipe</a>.</p>`);
  });
  await ping(source, backtalk.post);
  expect(await until(bySource(source))).toMatchObject({ status: 'held', title: 'Late' });
});

test('an invalid ping that is sent again is looked at again', async () => {
  const source = backtalk.web.url('carol.example', '/forgot');
  backtalk.web.page('carol.example', '/forgot', '<title>Forgot the link</title>');
  await ping(source, backtalk.post);
  expect((await until(bySource(source))).status).toBe('invalid');
  backtalk.web.page(
    'carol.example',
    '/forgot',
    `<title>Now with link</title><p><a href="${backtalk.post}">recipe</a></p>`,
  );
  expect(await ping(source, backtalk.post)).toContain('<int>48</int>');
  const item = await until(async () => {
    const found = await bySource(source)();
    return found?.status === 'held' && found;
  });
  expect(item.title).toBe('Now with link');
});

test('an approved ping is removed when its page goes, and comes back with it', async () => {
  const source = backtalk.web.url('carol.example', '/goes');
  const page = `<title>Here</title><p>About <a href="${backtalk.post}">the loaf</a></p>`;
  backtalk.web.page('carol.example', '/goes', page);
  await ping(source, backtalk.post);
  const { id } = await until(bySource(source));
  await backtalk.send(`/v1/submissions/${id}/approve`);
  const status = async () => (await backtalk.get(`/v1/submissions/${id}`)).status;

  backtalk.web.page('carol.example', '/goes', (_, response) => void response.writeHead(410).end());
  await ping(source, backtalk.post);
  await until(async () => (await status()) === 'removed');
  backtalk.web.page('carol.example', '/goes', page);
  await ping(source, backtalk.post);
  await until(async () => (await status()) === 'approved');
});

test('an approved ping whose page changed much goes back to the queue', async () => {
  const source = backtalk.web.url('carol.example', '/bait');
  backtalk.web.page(
    'carol.example',
    '/bait',
    `<title>Bread</title><p>I baked <a href="${backtalk.post}">this</a> and liked it</p>`,
  );
  await ping(source, backtalk.post);
  const { id } = await until(bySource(source));
  await backtalk.send(`/v1/submissions/${id}/approve`);
  backtalk.web.page(
    'carol.example',
    '/bait',
    `<title>CASINO BONUS</title><p>Win jackpots today: <a href="${backtalk.post}">free spins</a> online slots</p>`,
  );
  await ping(source, backtalk.post);
  await until(async () => (await backtalk.get(`/v1/submissions/${id}`)).status === 'held');
});

test('a TrackBack without a link back is held with that as a signal', async () => {
  const source = backtalk.web.url('alice.example', '/nolink.html?trackback');
  const answer = await backtalk.request('POST', `/trackback?target=${encodeURIComponent(backtalk.post)}`, {
    body: new URLSearchParams({
      url: source,
      title: 'On bread',
      excerpt: 'We liked it',
      blog_name: 'Alice',
    }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    token: null,
  });
  expect(answer.text).toContain('<error>0</error>');
  const item = await until(bySource(source));
  expect(item).toMatchObject({ kind: 'trackback', status: 'held', title: 'On bread', author: { name: 'Alice' } });
  const { signals, verdict } = await backtalk.get(`/v1/submissions/${item.id}`);
  expect(signals).toEqual(['no_link_back']);
  expect(verdict.reasons).toContainEqual({ code: 'no_link_back', detail: 'the source does not link here' });
});

test('the text of the post is fetched by the worker and measures what is off topic', async () => {
  const comment = {
    author: { name: 'Ann' },
    content: 'My dough rises in the cool kitchen over night and the crust gets dark.',
  };
  const target = `${backtalk.post}?`;
  const verdict = await until(async () => {
    const checked = await backtalk.send('/v1/check', { target, ...comment });
    return (
      checked.groups.some(
        ({ group, weight }: { group: string; weight: number }) => group === 'relevance' && weight < 0,
      ) && checked
    );
  });
  expect(verdict.reasons.map(({ code }: { code: string }) => code)).toContain('on_topic');
});

test.each([
  ['a name of 59 letters and an emoji', { author: { name: `${'x'.repeat(59)}😀` } }],
  ['rare Han characters', { author: { name: '𠮷田' }, content: '𠮷野家と𠮷田' }],
  ['a word of rare letters that is cut', { content: `a${'𝔛'.repeat(60)}` }],
])('what a verdict says of %s is something that the database takes', async (_name, fields) => {
  const target = backtalk.web.url('blog.example', '/rare');
  const { id } = await backtalk.comment({ target, ...fields });
  await backtalk.send(`/v1/submissions/${id}/spam`);
  const again = await backtalk.comment({ target, ...fields });
  expect(again).toMatchObject({ id: expect.any(String) });
  expect(JSON.stringify(await backtalk.get(`/v1/submissions/${again.id}`))).not.toMatch(/\\ud[89a-f]/i);
});
