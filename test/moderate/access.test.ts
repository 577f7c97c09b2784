import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminToken, type Json, startTestService, type TestService } from '../support/service.ts';

let backtalk: TestService;
let here: { site: string; target: string };
let there: { site: string; target: string };
const tokens: Record<string, string> = {};

beforeAll(async () => {
  backtalk = await startTestService();
  const url = backtalk.web.url('second.example');
  const second = await backtalk.send('/v1/sites', { name: 'Second', bases: [url] });
  const [first] = (await backtalk.get('/v1/sites')).items.filter(({ id }: Json) => id !== second.id);
  here = { site: first.id, target: backtalk.web.url('blog.example', '/here') };
  there = { site: second.id, target: `${url}there` };
  for (const scope of ['submit', 'moderate', 'admin']) {
    tokens[scope] = (await makeToken(`all ${scope}`, scope)).json.token;
    tokens[`${scope} here`] = (await makeToken(`here ${scope}`, scope, here.site)).json.token;
  }
});
afterAll(() => backtalk.stop());

const makeToken = (name: string, scope: string, site?: string) =>
  backtalk.request('POST', '/v1/tokens', { body: JSON.stringify({ name, scope, site }) });
const as = (token: string | null, method: string, path: string, body?: object) =>
  backtalk.request(method, path, { token, ...(body && { body: JSON.stringify(body) }) });
const comment = async (target: string, content = 'A loaf') =>
  (await backtalk.comment({ target, content })).id as string;
const statusOf = async (id: string) => (await backtalk.get(`/v1/submissions/${id}`)).status;
const idsOf = ({ items }: Json): string[] => items.map(({ id }: Json) => id);
const nobody = '01890000-0000-7000-8000-000000000000';

describe('a token', () => {
  const desk: [string, string][] = [
    ['GET', '/v1/submissions'],
    ['GET', `/v1/submissions/${nobody}`],
    ['POST', `/v1/submissions/${nobody}/approve`],
    ['GET', '/v1/decisions'],
    ['POST', '/v1/decisions'],
    ['GET', `/v1/decisions/${nobody}`],
    ['POST', `/v1/decisions/${nobody}/undo`],
    ['GET', '/v1/decisions/actors'],
    ['POST', '/v1/decisions/undo'],
    ['GET', `/v1/sites/${nobody}/replay`],
    ['GET', '/v1/stats'],
    ['GET', '/v1/sites'],
    ['POST', '/v1/sites'],
    ['GET', `/v1/sites/${nobody}`],
    ['PATCH', `/v1/sites/${nobody}`],
    ['GET', '/v1/targets'],
    ['POST', '/v1/targets'],
    ['PATCH', `/v1/targets/${nobody}`],
    ['GET', '/v1/rules'],
    ['POST', '/v1/rules'],
    ['GET', `/v1/rules/${nobody}`],
    ['DELETE', `/v1/rules/${nobody}`],
    ['GET', '/v1/tokens'],
    ['POST', '/v1/tokens'],
    ['DELETE', `/v1/tokens/${nobody}`],
    ['POST', '/v1/check'],
  ];

  test.each(desk)('is needed for %s %s', async (method, path) => {
    const missing = await as(null, method, path);
    expect([missing.status, missing.json.error.code]).toEqual([401, 'auth.missing_token']);
    expect(missing.headers.get('www-authenticate')).toMatch(/^Bearer/);
    for (const authorization of [
      'Bearer wrong',
      'Bearer',
      'Basic YTpi',
      adminToken,
      `Bearer ${adminToken} ${adminToken}`,
    ]) {
      const bad = await backtalk.request(method, path, { token: null, headers: { authorization } });
      expect([bad.status, bad.json.error.code]).toEqual([401, 'auth.bad_token']);
      expect(bad.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  test.each(desk.filter(([, path]) => !/check|targets/.test(path)))('to submit may not %s %s', async (method, path) => {
    for (const token of [tokens.submit, tokens['submit here']] as string[]) {
      const answer = await as(token, method, path);
      expect([answer.status, answer.json.error.code]).toEqual([403, 'auth.forbidden']);
    }
  });

  test('to submit may forward, check and describe posts, but read no list of them', async () => {
    const token = tokens.submit as string;
    const body = { target: here.target, author: { name: 'Ann' }, content: 'A loaf' };
    expect((await as(token, 'POST', '/v1/comments', body)).status).toBe(201);
    expect((await as(token, 'POST', '/v1/check', body)).status).toBe(200);
    const described = await as(token, 'POST', '/v1/targets', { url: here.target, title: 'Here' });
    expect(described.status).toBe(200);
    expect((await as(token, 'PATCH', `/v1/targets/${described.json.id}`, { title: 'Here!' })).status).toBe(200);
    expect((await as(token, 'GET', '/v1/targets')).status).toBe(403);
  });

  test('to moderate may do what one to submit may, but manage neither sites nor tokens', async () => {
    for (const token of [tokens.moderate, tokens['moderate here']] as string[]) {
      const body = { target: here.target, author: { name: 'Ann' }, content: 'A loaf' };
      expect((await as(token, 'POST', '/v1/comments', body)).status).toBe(201);
      expect((await as(token, 'GET', '/v1/submissions')).status).toBe(200);
      for (const [method, path] of desk.filter(
        ([method, path]) => /tokens/.test(path) || (/sites/.test(path) && method !== 'GET'),
      ))
        expect((await as(token, method, path)).json.error.code).toBe('auth.forbidden');
    }
  });

  test('is shown once, in the answer that makes it', async () => {
    const made = await makeToken('shown once', 'submit', here.site);
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ name: 'shown once', scope: 'submit', site: here.site, revokedAt: null });
    expect(made.json.token).toMatch(/^bt_[\w-]{43}$/);
    const listed = await backtalk.request('GET', '/v1/tokens');
    const { token, ...rest } = made.json;
    expect(listed.json.items).toContainEqual(rest);
    expect(listed.text).not.toContain(token);
    expect(listed.text).not.toContain('hash');
  });

  test('that was revoked is bad from then on, and its name stays in the log and taken', async () => {
    const { id, token } = (await makeToken('soon gone', 'moderate')).json;
    const submission = await comment(here.target);
    expect((await as(token, 'POST', `/v1/submissions/${submission}/reject`)).status).toBe(200);
    const revoked = await as(adminToken, 'DELETE', `/v1/tokens/${id}`);
    expect(revoked.json.revokedAt).toMatch(/Z$/);
    for (const path of ['/v1/submissions', '/v1/decisions']) {
      const answer = await as(token, 'GET', path);
      expect([answer.status, answer.json.error.code]).toEqual([401, 'auth.bad_token']);
    }
    const forwarded = await as(token, 'POST', '/v1/comments', {
      target: here.target,
      author: { name: 'A' },
      content: 'b',
    });
    expect(forwarded.status).toBe(401);
    expect((await backtalk.get('/v1/decisions?actor=soon%20gone')).items).toHaveLength(1);
    expect((await makeToken('soon gone', 'moderate')).json.error.code).toBe('moderate.taken');
    // A second time changes nothing.
    expect((await as(adminToken, 'DELETE', `/v1/tokens/${id}`)).json).toEqual(revoked.json);
    expect((await as(adminToken, 'DELETE', `/v1/tokens/${nobody}`)).status).toBe(404);
  });

  test('has a name of its own, which is nobody else’s in the log', async () => {
    expect((await makeToken('twin', 'submit')).status).toBe(201);
    const twin = await makeToken(' twin ', 'admin');
    expect([twin.status, twin.json.error.code]).toEqual([409, 'moderate.taken']);
    const reserved = ['policy', 'Policy', 'worker', 'ADMIN_TOKEN', 'admin_token', 'admin', 'comment', 'webmention'];
    for (const name of [...reserved, '', '  ', 'x'.repeat(101), '\u0000'])
      expect((await makeToken(name, 'submit')).json.error.code).toBe('moderate.bad_input');
    expect((await makeToken('of all trades', 'everything')).json.error.code).toBe('moderate.bad_input');
    expect((await makeToken('of no site', 'submit', nobody)).json.error.code).toBe('moderate.bad_input');
    const unknown = await as(adminToken, 'POST', '/v1/tokens', { name: 'x', scope: 'submit', expires: 1 });
    expect(unknown.json.error.code).toBe('moderate.bad_input');
  });

  test('from the settings is valid whatever the database holds, also when no admin is left there', async () => {
    for (const { id, scope } of (await backtalk.get('/v1/tokens')).items)
      if (scope === 'admin') await as(adminToken, 'DELETE', `/v1/tokens/${id}`);
    expect((await as(tokens.admin as string, 'GET', '/v1/tokens')).status).toBe(401);
    const remade = await makeToken('all admin again', 'admin');
    expect(remade.status).toBe(201);
    tokens.admin = remade.json.token;
    tokens['admin here'] = (await makeToken('here admin again', 'admin', here.site)).json.token;
    expect((await as(tokens.admin as string, 'GET', '/v1/tokens')).status).toBe(200);
    expect(
      (
        await backtalk.request('GET', '/v1/tokens', {
          token: null,
          headers: { authorization: `bearer  ${adminToken}` },
        })
      ).status,
    ).toBe(200);
  });
});

describe('a token of one site', () => {
  const mine = () => tokens['moderate here'] as string;

  test('sees the submissions of its site only', async () => {
    const [a, b] = [await comment(here.target, 'Seen here'), await comment(there.target, 'Seen there')];
    expect(idsOf((await as(mine(), 'GET', '/v1/submissions?q=seen')).json)).toEqual([a]);
    expect(idsOf((await as(mine(), 'GET', `/v1/submissions?q=seen&site=${here.site.toUpperCase()}`)).json)).toEqual([
      a,
    ]);
    for (const sites of [`site=${there.site}`, `site=${here.site}&site=${there.site}`]) {
      const answer = await as(mine(), 'GET', `/v1/submissions?${sites}`);
      expect([answer.status, answer.json.error.code]).toEqual([403, 'auth.forbidden']);
    }
    expect((await as(mine(), 'GET', `/v1/submissions?target=${there.target}`)).json.items).toEqual([]);
    expect((await as(mine(), 'GET', `/v1/submissions/${a}`)).status).toBe(200);
    expect((await as(mine(), 'GET', `/v1/submissions/${b}`)).json.error.code).toBe('moderate.not_found');
  });

  test('cannot go on with the cursor of another', async () => {
    for (let count = 0; count < 2; count++) await comment(there.target);
    const { next } = await backtalk.get('/v1/submissions?limit=1');
    expect((await as(mine(), 'GET', `/v1/submissions?limit=1&cursor=${next}`)).json.error.code).toBe(
      'moderate.bad_cursor',
    );
  });

  test('decides on its site only, alone and in bulk, by ids and by filter', async () => {
    const [a, b] = [await comment(here.target, 'Bulky'), await comment(there.target, 'Bulky')];
    const [before, other] = [await statusOf(a), await statusOf(b)];
    expect((await as(mine(), 'POST', `/v1/submissions/${b}/reject`)).json.error.code).toBe('moderate.not_found');
    const both = await as(mine(), 'POST', '/v1/decisions', { action: 'reject', ids: [b, a] });
    expect(both.json.results).toEqual([
      { id: b, ok: false, from: null, to: null, code: 'moderate.not_found' },
      { id: a, ok: true, from: before, to: 'rejected' },
    ]);
    const filtered = await as(mine(), 'POST', '/v1/decisions', { action: 'hold', filter: { q: 'bulky' }, expect: 1 });
    expect(filtered.json.results).toMatchObject([{ id: a }]);
    const elsewhere = { action: 'hold', filter: { site: there.site }, expect: 1 };
    expect((await as(mine(), 'POST', '/v1/decisions', elsewhere)).json.error.code).toBe('auth.forbidden');
    expect(await statusOf(b)).toBe(other);
  });

  test('reads in the audit log what touched its site, and of a decision on several sites only its part', async () => {
    const [a, b] = [await comment(here.target), await comment(there.target)];
    const one = await backtalk.send('/v1/decisions', { action: 'reject', ids: [b] });
    const both = await backtalk.send('/v1/decisions', { action: 'approve', ids: [a, b] });
    const own = (await as(mine(), 'POST', '/v1/decisions', { action: 'reject', ids: [a] })).json;
    const { items } = (await as(mine(), 'GET', '/v1/decisions?limit=3')).json;
    expect(items.slice(0, 2)).toMatchObject([
      { id: own.id, actor: 'here moderate', submissions: 1 },
      { id: both.id, actor: 'ADMIN_TOKEN', submissions: 1 },
    ]);
    const logged = (await as(mine(), 'GET', '/v1/decisions?limit=200')).json;
    expect(idsOf(logged)).not.toContain(one.id);
    expect((await backtalk.get(`/v1/decisions?limit=2`)).items[1]).toMatchObject({ id: both.id, submissions: 2 });

    const seen = await as(mine(), 'GET', `/v1/decisions/${both.id}`);
    expect(seen.json.results.map(({ id }: Json) => id)).toEqual([a]);
    expect((await as(mine(), 'GET', `/v1/decisions/${one.id}`)).json.error.code).toBe('moderate.not_found');
  });

  test('undoes decisions that concern its site alone, whoever made them', async () => {
    const [a, b] = [await comment(here.target), await comment(there.target)];
    const both = await backtalk.send('/v1/decisions', { action: 'approve', ids: [a, b] });
    const forbidden = await as(mine(), 'POST', `/v1/decisions/${both.id}/undo`);
    expect([forbidden.status, forbidden.json.error.code]).toEqual([403, 'auth.forbidden']);
    expect([await statusOf(a), await statusOf(b)]).toEqual(['approved', 'approved']);
    const one = await backtalk.send('/v1/decisions', { action: 'reject', ids: [b] });
    expect((await as(mine(), 'POST', `/v1/decisions/${one.id}/undo`)).json.error.code).toBe('moderate.not_found');
    expect(await statusOf(b)).toBe('rejected');
    const ours = await backtalk.send('/v1/decisions', { action: 'reject', ids: [a] });
    expect((await as(mine(), 'POST', `/v1/decisions/${ours.id}/undo`)).json).toMatchObject({
      undoneBy: 'here moderate',
      results: [{ id: a, ok: true, to: 'approved' }],
    });
  });

  test('sees and describes the targets of its site only', async () => {
    const [ours, theirs] = await Promise.all(
      [here.target, there.target].map((url) => backtalk.send('/v1/targets', { url, title: 'A post' })),
    );
    const listed = (await as(mine(), 'GET', '/v1/targets?limit=200')).json.items;
    expect(listed.every(({ site }: Json) => site === here.site)).toBe(true);
    expect(listed.map(({ id }: Json) => id)).toContain(ours.id);
    for (const [method, path, body] of [
      ['GET', `/v1/targets?site=${there.site}`, undefined],
      ['GET', `/v1/targets/${theirs.id}`, undefined],
      ['PATCH', `/v1/targets/${theirs.id}`, { state: 'closed' }],
      ['POST', '/v1/targets', { url: there.target, state: 'closed' }],
    ] as const) {
      const answer = await as(mine(), method, path, body);
      expect([answer.status, answer.json.error.code]).toEqual([403, 'auth.forbidden']);
    }
    expect((await backtalk.get(`/v1/targets/${theirs.id}`)).state).toBe('open');
    expect((await as(mine(), 'GET', `/v1/targets?site=${here.site}`)).status).toBe(200);
  });

  test('sees its site alone, and as an admin changes its settings, but no bases and no other site', async () => {
    const token = tokens['admin here'] as string;
    expect(idsOf((await as(token, 'GET', '/v1/sites')).json)).toEqual([here.site]);
    expect((await as(token, 'GET', `/v1/sites/${there.site}`)).status).toBe(403);
    expect((await as(token, 'PATCH', `/v1/sites/${there.site}`, { name: 'Ours' })).status).toBe(403);
    expect((await as(token, 'PATCH', `/v1/sites/${here.site}`, { settings: { spamAbove: 0.95 } })).status).toBe(200);
    const bases = { bases: [there.target] };
    expect((await as(token, 'PATCH', `/v1/sites/${here.site}`, bases)).status).toBe(403);
    expect((await as(token, 'POST', '/v1/sites', { bases: ['https://third.example/'] })).status).toBe(403);
    for (const [method, path] of [
      ['GET', '/v1/tokens'],
      ['POST', '/v1/tokens'],
      ['DELETE', `/v1/tokens/${nobody}`],
    ] as const)
      expect((await as(token, method, path)).status).toBe(403);
  });

  test('forwards and checks comments of its site only', async () => {
    const token = tokens['submit here'] as string;
    for (const path of ['/v1/comments', '/v1/check']) {
      const body = { target: there.target, author: { name: 'Ann' }, content: 'A loaf' };
      expect((await as(token, 'POST', path, body)).status).toBe(403);
      expect((await as(token, 'POST', path, { ...body, target: here.target })).status).toBeLessThan(300);
    }
  });
});

test('whoever guesses tokens runs out of turns', async () => {
  const limited = await startTestService({ RATE_PER_MINUTE: '3' });
  const guess = (n: number) => limited.request('GET', '/v1/submissions', { token: `bt_guess-${n}` });
  const statuses = [];
  for (let n = 0; n < 5; n += 1) statuses.push((await guess(n)).status);
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
  expect((await guess(5)).headers.get('retry-after')).toMatch(/^\d+$/);
  expect((await limited.request('GET', '/v1/submissions')).status).toBe(200);
  await limited.stop();
});
