// Rules over HTTP: who may write them, how they are listed, and that they act at every door from then on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkingPage, ofSource, pingCall, trackBack, xmlRpc } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';
import { hasPostgres, shareDatabase } from '../support/two-services.ts';

let backtalk: TestService;
let here: string;
let there: string;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  backtalk = await startTestService();
  here = (await backtalk.get('/v1/sites')).items[0].id;
  there = (await backtalk.send('/v1/sites', { bases: ['https://there.example/'] })).id;
  for (const scope of ['moderate', 'admin'])
    for (const [where, site] of Object.entries({ all: undefined, here, there }))
      tokens[`${scope} ${where}`] = (
        await backtalk.send('/v1/tokens', { name: `${scope} ${where}`, scope, site })
      ).token;
});
afterAll(() => backtalk.stop());

const nobody = '01890000-0000-7000-8000-000000000000';
const add = (rule: object, token?: string) =>
  backtalk.request('POST', '/v1/rules', { body: JSON.stringify(rule), ...(token && { token }) });
const remove = (id: string, token?: string) =>
  backtalk.request('DELETE', `/v1/rules/${id}`, token === undefined ? {} : { token });
const outcome = (answer: Json) => [answer.status, answer.json.error?.code];
const codes = ({ reasons }: Json) => reasons.map(({ code }: Json) => code);

describe('a rule', () => {
  test('is written, read, listed and deleted', async () => {
    const written = { effect: 'block', field: 'host', value: 'WWW.Roofs.example', site: here, note: 'again and again' };
    const made = await add(written, tokens['moderate here']);
    expect(made.status).toBe(201);
    expect(made.json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      site: here,
      effect: 'block',
      field: 'host',
      value: 'roofs.example',
      note: 'again and again',
      actor: 'moderate here',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    const { id } = made.json;
    expect(await backtalk.get(`/v1/rules/${id}`)).toEqual(made.json);
    expect((await backtalk.get('/v1/rules')).items).toContainEqual(made.json);
    expect((await remove(id)).json).toEqual(made.json);
    expect(outcome(await remove(id))).toEqual([404, 'moderate.not_found']);
    expect(outcome(await backtalk.request('GET', `/v1/rules/${id}`))).toEqual([404, 'moderate.not_found']);
    expect((await backtalk.get('/v1/rules')).items).not.toContainEqual(made.json);
  });

  test('stands once for a site and a value, whatever its effect and however it is written', async () => {
    const first = (await add({ effect: 'block', field: 'host', value: 'once.example', site: here })).json;
    const again = await add({ effect: 'allow', field: 'host', value: 'ONCE.example.', site: here });
    expect(outcome(again)).toEqual([409, 'moderate.taken']);
    expect(again.json.error.details).toEqual({ rule: first });
    expect((await add({ effect: 'allow', field: 'host', value: 'once.example', site: there })).status).toBe(201);
    expect((await add({ effect: 'allow', field: 'host', value: 'once.example' })).status).toBe(201);
    expect(outcome(await add({ effect: 'block', field: 'host', value: 'once.example' }))).toEqual([
      409,
      'moderate.taken',
    ]);
    const shared = (await backtalk.get('/v1/rules')).items.find(({ site }: Json) => site === null);
    await remove(shared.id);
  });

  test.each<[string, object]>([
    ['a host of many owners', { effect: 'block', field: 'host', value: 'co.uk' }],
    ['a host that is none', { effect: 'block', field: 'host', value: 'https://roofs.example/' }],
    ['all addresses', { effect: 'block', field: 'ip', value: '0.0.0.0/0' }],
    ['nothing', { effect: 'block', field: 'phrase', value: ' ' }],
    ['no field', { effect: 'block', value: 'x.example' }],
    ['an unknown field', { effect: 'block', field: 'country', value: 'x' }],
    ['an unknown effect', { effect: 'hold', field: 'host', value: 'x.example' }],
    ['no text', { effect: 'block', field: 'host', value: 7 }],
    ['a site that is none', { effect: 'block', field: 'host', value: 'x.example', site: nobody }],
    ['a site that has no id', { effect: 'block', field: 'host', value: 'x.example', site: 'here' }],
    ['one word too many', { effect: 'block', field: 'host', value: 'x.example', untill: 'tomorrow' }],
    ['a note without end', { effect: 'block', field: 'host', value: 'x.example', note: 'x'.repeat(2_001) }],
  ])('on %s is refused', async (_, rule) => {
    const answer = await add(rule);
    expect(outcome(answer)).toEqual([400, 'moderate.bad_input']);
    expect(answer.json.error.message).toMatch(/^(value|field|effect|site|note|the request): /);
  });

  test('of a moderator bound to a site is for that site, and no other', async () => {
    const rule = { effect: 'block', field: 'host', value: 'bound.example' };
    const made = await add(rule, tokens['moderate here']);
    expect(made.json.site).toBe(here);
    expect(outcome(await add({ ...rule, site: there }, tokens['moderate here']))).toEqual([403, 'auth.forbidden']);
    expect(outcome(await remove(made.json.id, tokens['moderate there']))).toEqual([404, 'moderate.not_found']);
    expect(outcome(await remove(made.json.id, tokens['admin there']))).toEqual([404, 'moderate.not_found']);
    expect((await remove(made.json.id, tokens['moderate all'])).status).toBe(200);
  });

  test('for all sites is the word of an admin of all sites', async () => {
    const rule = { effect: 'block', field: 'host', value: 'everywhere.example' };
    expect(outcome(await add(rule, tokens['moderate all']))).toEqual([403, 'auth.forbidden']);
    expect((await add({ ...rule, site: there }, tokens['moderate all'])).status).toBe(201);
    const made = await add(rule, tokens['admin all']);
    expect(made.json.site).toBeNull();
    // Those on whom it acts can read it.
    expect(
      (await backtalk.get('/v1/rules?limit=200', { token: tokens['moderate here'] as string })).items,
    ).toContainEqual(made.json);
    for (const token of ['moderate all', 'moderate here', 'admin here'])
      expect(outcome(await remove(made.json.id, tokens[token]))).toEqual([403, 'auth.forbidden']);
    expect((await remove(made.json.id, tokens['admin all'])).status).toBe(200);
  });

  test('is found by site, field and effect, page by page', async () => {
    const site = (await backtalk.send('/v1/sites', { bases: ['https://listed.example/'] })).id;
    for (let n = 0; n < 5; n++) await add({ effect: 'block', field: 'author', value: `ben ${n}`, site });
    await add({ effect: 'allow', field: 'ip', value: '192.0.2.7', site });
    const listed: Json[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { items, next }: Json = await backtalk.get(`/v1/rules?site=${site}&limit=2&cursor=${cursor}`);
      expect(items.length).toBeLessThanOrEqual(2);
      listed.push(...items);
      cursor = next;
    }
    expect(listed.map(({ value }) => value)).toEqual(['ben 0', 'ben 1', 'ben 2', 'ben 3', 'ben 4', '192.0.2.7']);
    const of = async (query: string) => (await backtalk.get(`/v1/rules?site=${site}&${query}`)).items.length;
    expect([await of('field=author'), await of('effect=allow'), await of('field=ip&effect=block')]).toEqual([5, 1, 0]);
    expect(
      outcome(await backtalk.request('GET', `/v1/rules?site=${site}`, { token: tokens['moderate here'] as string })),
    ).toEqual([403, 'auth.forbidden']);
    for (const query of [
      'limit=0',
      'limit=201',
      'field=x',
      'effect=x',
      'site=x',
      'cursor=x',
      'value=x',
      'limit=1&limit=2',
    ])
      expect(outcome(await backtalk.request('GET', `/v1/rules?${query}`))).toEqual([400, 'moderate.bad_input']);
  });

  test('is one of a thousand of its site at most', async () => {
    const site = (await backtalk.send('/v1/sites', { bases: ['https://full.example/'] })).id;
    const one = (n: number) => add({ effect: 'block', field: 'host', value: `n${n}.roofs.example`, site });
    // In handfuls, and across the limit at the end: two that count at the same time may not both pass.
    for (let n = 0; n < 995; n += 5) await Promise.all([0, 1, 2, 3, 4].map((more) => one(n + more)));
    const last = await Promise.all(Array.from({ length: 9 }, (_, n) => one(1_000 + n)));
    expect(last.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(outcome(last.find(({ status }) => status !== 201))).toEqual([413, 'moderate.too_many']);
    expect((await add({ effect: 'block', field: 'host', value: 'roofs.example', site: there })).status).toBe(201);
    const comment = { target: 'https://full.example/', author: { name: 'Ben', url: 'https://n500.roofs.example/' } };
    expect(codes(await backtalk.comment(comment))).toContain('rule_block');
  }, 60_000);
});

describe('from then on', () => {
  const kept = { effect: 'block', field: 'host', value: 'kept-out.example' };
  const letIn = { effect: 'allow', field: 'host', value: 'let-in.example' };
  let rules: string[];
  beforeAll(async () => {
    rules = [];
    for (const rule of [
      kept,
      letIn,
      { effect: 'block', field: 'ip', value: '203.0.113.0/24' },
      { effect: 'block', field: 'ip', value: '127.0.0.1' },
      { effect: 'allow', field: 'email', value: 'known@friend.example' },
      { effect: 'block', field: 'phrase', value: 'utterly unwanted' },
    ])
      rules.push((await add({ ...rule, site: here })).json.id);
  });
  afterAll(async () => {
    for (const id of rules) await remove(id);
  });

  test('a forwarded comment that a rule keeps out is spam, which is kept and listed, and says why', async () => {
    const { id, status, probability, reasons } = await backtalk.comment({
      content: 'See http://sub.kept-out.example/',
    });
    expect(status).toBe('spam');
    expect(probability).toBeLessThan(0.9);
    expect(reasons.at(-1)).toEqual({
      code: 'rule_block',
      detail: expect.stringContaining('block host kept-out.example'),
    });
    const found = await backtalk.get(`/v1/submissions/${id}`);
    expect(found).toMatchObject({ status: 'spam', verdict: { outcome: 'spam' } });
    expect(found.history.at(-1)).toMatchObject({ to: 'spam', actor: 'policy', reason: reasons.at(-1).detail });
    const listed = await backtalk.get('/v1/submissions?status=spam&sort=newest&limit=200');
    expect(listed.items.map((item: Json) => item.id)).toContain(id);
  });

  test('a forwarded comment that a rule lets in is approved, whatever its words', async () => {
    const spam = 'casino viagra '.repeat(20);
    const comment = { author: { name: 'Ann', url: 'https://let-in.example/' }, content: spam };
    expect(await backtalk.comment(comment)).toMatchObject({ status: 'approved' });
    expect(codes(await backtalk.send('/v1/check', { target: backtalk.post, ...comment }))).toContain('rule_allow');
    const friend = { author: { name: 'Ann', email: 'Known@Friend.example' }, content: spam };
    expect(await backtalk.comment(friend)).toMatchObject({ status: 'approved' });
  });

  test('hosts that only look like that of a rule are judged as ever', async () => {
    for (const host of [
      'evilkept-out.example',
      'kept-out.example.evil.net',
      'evillet-in.example',
      'let-in.example.evil.net',
    ])
      expect(codes(await backtalk.comment({ author: { name: 'Ann', url: `https://${host}/` } }))).not.toContainEqual(
        expect.stringMatching(/^rule_/),
      );
  });

  test('an address that the engine tells is kept out, and so is one that knocks itself', async () => {
    expect(codes(await backtalk.comment({ ip: '203.0.113.77' }))).toContain('rule_block');
    expect(codes(await backtalk.comment({ ip: '203.0.114.77' }))).not.toContain('rule_block');
    const body = { target: backtalk.post, author: { name: 'Visitor' }, content: 'A loaf' };
    const visitor = await backtalk.send('/v1/comments', body, { token: null });
    expect(visitor.status).toBe('held');
    expect(await backtalk.get(`/v1/submissions/${visitor.id}`)).toMatchObject({ status: 'spam' });
  });

  test('a visitor who types the address of a friend is not let in', async () => {
    const other = (await backtalk.send('/v1/sites', { bases: ['https://visited.example/'] })).id;
    await add({ effect: 'allow', field: 'email', value: 'known@friend.example', site: other });
    const body = { target: 'https://visited.example/post', author: { name: 'Ann', email: 'known@friend.example' } };
    const comment = { ...body, content: 'A loaf' };
    const visitor = await backtalk.send('/v1/comments', comment, { token: null });
    expect(await backtalk.get(`/v1/submissions/${visitor.id}`)).toMatchObject({ status: 'held' });
    expect(await backtalk.comment(comment)).toMatchObject({ status: 'approved' });
  });

  test('pings from a host are kept out or let in once they are verified', async () => {
    const second = await startTestService();
    try {
      for (const rule of [kept, letIn]) await second.send('/v1/rules', rule);
      const [bad, good, other] = ['kept-out.example', 'let-in.example', 'other.example'].map((host) =>
        linkingPage(second, '/about', host),
      ) as [string, string, string];
      for (const source of [bad, good, other]) await xmlRpc(second, pingCall(source, second.post));
      const statusOf = async (source: string) => (await ofSource(second, source))[0]?.status;
      await until(async () => (await statusOf(bad)) === 'spam');
      await until(async () => (await statusOf(good)) === 'approved');
      await until(async () => (await statusOf(other)) === 'held');
    } finally {
      await second.stop();
    }
  });

  test('a TrackBack that does not link back is not approved, though a rule would let it in', async () => {
    const second = await startTestService();
    try {
      await second.send('/v1/rules', letIn);
      second.web.page('let-in.example', '/claims', '<title>Nothing</title><p>No link</p>');
      const source = second.web.url('let-in.example', '/claims');
      expect((await trackBack(second, { url: source, title: 'Nothing' })).error).toBe(0);
      const [claim] = await until(async () => {
        const found = await ofSource(second, source);
        return found[0]?.status === 'held' && found;
      });
      const { verdict } = await second.get(`/v1/submissions/${claim?.id}`);
      expect(codes(verdict).slice(-2)).toEqual(['rule_allow', 'no_link_back']);
    } finally {
      await second.stop();
    }
  });

  test('a rule acts at once, and is gone at once when it is deleted', async () => {
    for (const site of [here, null]) {
      const value = `at once ${site}`;
      const comment = { content: `This is ${value}, I think` };
      expect(codes(await backtalk.comment(comment))).not.toContain('rule_block');
      const { id } = (await add({ effect: 'block', field: 'phrase', value, site })).json;
      expect(codes(await backtalk.comment(comment))).toContain('rule_block');
      await remove(id);
      expect(codes(await backtalk.comment(comment))).not.toContain('rule_block');
    }
  });

  test('a rule of one site does not act on another', async () => {
    const comment = { target: 'https://there.example/post', content: 'This is utterly unwanted' };
    expect(codes(await backtalk.comment(comment))).not.toContain('rule_block');
    expect(codes(await backtalk.comment({ content: comment.content }))).toContain('rule_block');
  });

  test.skipIf(!hasPostgres)('a rule acts in every process at once', async () => {
    const { start, close } = await shareDatabase();
    const [one, two] = [await start(), await start()];
    try {
      const comment = { target: 'https://blog.example/post', author: { name: 'Ann' }, content: 'A shared word' };
      expect(codes(await two.send('/v1/check', comment))).not.toContain('rule_block');
      await one.send('/v1/rules', { effect: 'block', field: 'phrase', value: 'a shared word' });
      expect(codes(await two.send('/v1/check', comment))).toContain('rule_block');
    } finally {
      await Promise.all([one.stop(), two.stop()]);
      await close();
    }
  });
});
