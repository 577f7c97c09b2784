import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
let target: string;
let second: { id: string; url: string };

beforeAll(async () => {
  backtalk = await startTestService();
  target = backtalk.web.url('blog.example', '/described');
  await backtalk.send('/v1/targets', { url: target, title: 'Bread', text: 'Flour, water, salt and a hot oven.' });
  const url = backtalk.web.url('second.example');
  second = { id: (await backtalk.send('/v1/sites', { bases: [url] })).id, url };
});
afterAll(() => backtalk.stop());

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function comment(fields: Json = {}): Promise<string> {
  return (await backtalk.comment({ target, ...fields })).id;
}

const query = (parameters: Record<string, string | string[]>) =>
  new URLSearchParams(
    Object.entries(parameters).flatMap(([name, values]) =>
      [values].flat().map((value) => [name, value] as [string, string]),
    ),
  ).toString();
const list = (parameters: Record<string, string | string[]> = {}) =>
  backtalk.get(`/v1/submissions?${query(parameters)}`);
const idsOf = async (parameters: Record<string, string | string[]>): Promise<string[]> =>
  (await list({ limit: '200', ...parameters })).items.map(({ id }: Json) => id);
const refusal = async (search: string) => {
  const { status, json } = await backtalk.request('GET', `/v1/submissions?${search}`);
  return { status, code: json.error?.code, message: json.error?.message };
};

/** A pingback of a page without the link: `invalid`, and never judged. */
async function unjudged(name: string): Promise<string> {
  const source = backtalk.web.url('alice.example', `/nolink.html?${name}`);
  const body = `<?xml version="1.0"?><methodCall><methodName>pingback.ping</methodName><params>
    <param><value>${source}</value></param><param><value>${target}</value></param></params></methodCall>`;
  await backtalk.request('POST', '/xmlrpc', { body, token: null });
  return until(async () => {
    const [item] = (await list({ q: source, status: 'invalid' })).items;
    return item?.id;
  });
}

/** Pages through a list by its cursors; `between` runs after each page. */
async function page(
  parameters: Record<string, string>,
  between: (page: number) => Promise<unknown> = async () => {},
): Promise<Json[]> {
  const found: Json[] = [];
  let cursor = '';
  for (let pages = 0; ; pages++) {
    const { items, next } = await list({ ...parameters, cursor });
    found.push(...items);
    if (next === null) return found;
    await between(pages);
    cursor = next;
  }
}

describe('an item', () => {
  test('has exactly the fields of the interface', async () => {
    const parent = await comment({ ref: 'the-parent' });
    const id = await comment({
      author: { name: 'Ann', email: 'ann@example.org', url: 'https://ann.example/' },
      content: 'All <b>fields</b>',
      ref: 'all-fields',
      parent: 'ref:the-parent',
      target: `${target}/?#top`,
    });
    const [item] = (await list({ q: 'All <b>fields' })).items;
    expect(item).toEqual({
      id,
      kind: 'comment',
      status: 'held',
      version: 1,
      site: (await backtalk.get('/v1/sites')).items[0].id,
      source: null,
      target: `${target}/?#top`,
      author: { name: 'Ann', email: 'ann@example.org', url: 'https://ann.example/' },
      title: null,
      content: 'All <b>fields</b>',
      parent,
      ref: 'all-fields',
      probability: expect.any(Number),
      wouldBe: null,
      receivedAt: expect.stringMatching(iso),
      updatedAt: expect.stringMatching(iso),
      similarCount: 0,
    });
    expect(id).toMatch(uuid7);
    expect(item.site).toMatch(uuid7);
  });

  test('read alone has its verdict, fetches and history besides', async () => {
    const id = await comment({ content: 'Read me alone.' });
    const [item] = (await list({ q: 'Read me alone.' })).items;
    const { verdict, fetches, history, signals, ...rest } = await backtalk.get(`/v1/submissions/${id}`);
    expect(rest).toEqual(item);
    expect(signals).toEqual([]);
    expect(fetches).toEqual([]);
    expect(history).toEqual([
      {
        at: item.receivedAt,
        from: null,
        to: 'held',
        actor: 'comment',
        reason: null,
        decision: null,
        undo: false,
      },
    ]);
    expect(verdict).toMatchObject({ outcome: 'held', probability: item.probability });
    expect(verdict.reasons[0]).toEqual({ code: expect.any(String), detail: expect.any(String) });
    for (const token of verdict.tokens)
      expect(Object.keys(token).sort()).toEqual(['field', 'ham', 'spam', 'token', 'weight']);
    const logit = verdict.groups.reduce((sum: number, { weight }: Json) => sum + weight, 0);
    expect(1 / (1 + Math.exp(-logit))).toBeCloseTo(item.probability, 9);
  });

  test('that was never judged has no verdict, but what its fetch saw', async () => {
    const found = await backtalk.get(`/v1/submissions/${await unjudged('alone')}`);
    expect(found).toMatchObject({ kind: 'pingback', status: 'invalid', probability: null, verdict: null });
    expect(found.fetches).toMatchObject([{ at: expect.stringMatching(iso), status: 200, found: 'no_link' }]);
  });

  test.each(['01890000-0000-7000-8000-000000000000', 'nothing', '1'])('%s is not found', async (id) => {
    const answer = await backtalk.request('GET', `/v1/submissions/${id}`);
    expect(answer.status).toBe(404);
    expect(answer.json.error.code).toBe('moderate.not_found');
  });
});

describe('a filter', () => {
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    ids.ann = await comment({
      author: { name: 'Ann Filter', email: 'ann@filter.test', url: 'https://ann.filter.test/me' },
      content: 'Filtered: one',
    });
    ids.bob = await comment({ author: { name: 'Bob Filter' }, content: 'Filtered: 100% rye_flour \\ salt' });
    ids.cem = await comment({ author: { name: 'Cem FİLTER' }, content: 'Filtered: 100 g rye-flour / salt' });
    ids.far = await comment({ target: `${second.url}post`, content: 'Filtered: elsewhere' });
    ids.ping = await unjudged('filtered');
    await backtalk.send(`/v1/submissions/${ids.ann}/approve`);
    await backtalk.send(`/v1/submissions/${ids.bob}/reject`);
    await backtalk.send(`/v1/submissions/${ids.cem}/hold`);
    await backtalk.send(`/v1/submissions/${ids.far}/hold`);
  });
  /** The names of what is found, among those made here. */
  const found = async (parameters: Record<string, string | string[]>) => {
    const answered = await idsOf(parameters);
    return Object.keys(ids).filter((name) => answered.includes(ids[name] as string));
  };

  test.each<[string, Record<string, string | string[]>, string[]]>([
    ['nothing', {}, ['ann', 'bob', 'cem', 'far', 'ping']],
    ['an empty value, which is no filter', { status: '', q: '' }, ['ann', 'bob', 'cem', 'far', 'ping']],
    ['a status', { status: 'approved' }, ['ann']],
    ['either of two statuses', { status: ['approved', 'rejected'] }, ['ann', 'bob']],
    ['a kind', { kind: 'pingback' }, ['ping']],
    ['either of two kinds', { kind: ['pingback', 'comment'] }, ['ann', 'bob', 'cem', 'far', 'ping']],
    ['kind and status together', { kind: 'pingback', status: 'held' }, []],
    ["a part of the author's name, in any case", { author: 'ANN FIL' }, ['ann']],
    ["a part of the author's e-mail address", { author: 'n@filter.' }, ['ann']],
    ["a part of the author's URL", { author: 'ann.filter.test/me' }, ['ann']],
    ['either of two authors', { author: ['ann f', 'bob f'] }, ['ann', 'bob']],
    ['author and status together', { author: ['ann f', 'bob f'], status: 'rejected' }, ['bob']],
    ['a part of the content', { q: 'RYE_flour' }, ['bob']],
    ['a percent sign as itself', { q: '100%' }, ['bob']],
    ['a percent sign between words as itself', { q: '100%flour' }, []],
    ['an underscore as itself', { q: 'rye_' }, ['bob']],
    ['a backslash as itself', { q: 'flour \\' }, ['bob']],
    ['a quote as itself', { q: "'; drop table submissions; --" }, []],
    ['a part of the source', { q: 'nolink.html?filtered' }, ['ping']],
    ['either of two parts', { q: ['rye_', 'rye-'] }, ['bob', 'cem']],
    [
      'a probability or more, which leaves out what was not judged',
      { minProbability: '0' },
      ['ann', 'bob', 'cem', 'far'],
    ],
    ['a probability or less, which does so too', { maxProbability: '1' }, ['ann', 'bob', 'cem', 'far']],
  ])('by %s', async (_, parameters, expected) => {
    expect(await found(parameters)).toEqual(expected);
  });

  test('by the site, or by several', async () => {
    const [first] = (await backtalk.get('/v1/sites')).items;
    expect(await found({ site: second.id })).toEqual(['far']);
    expect(await found({ site: second.id.toUpperCase() })).toEqual(['far']);
    expect(await found({ site: [second.id, first.id], status: 'held' })).toEqual(['cem', 'far']);
    expect(await found({ site: '01890000-0000-7000-8000-000000000000' })).toEqual([]);
  });

  test('by the target in any form of its URL', async () => {
    const forms = ['post', 'post/', 'post#comments', 'post?replytocom=5', 'post/?'].map((path) => second.url + path);
    for (const form of [...forms, `${second.url}post`.replace('http:', 'https:'), ` ${second.url}a/../post`])
      expect(await found({ target: form })).toEqual(['far']);
    expect(await found({ target: [`${second.url}post`, target] })).toEqual(['ann', 'bob', 'cem', 'far', 'ping']);
    expect(await found({ target: `${second.url}Post` })).toEqual([]);
    expect(await found({ target: `${second.url}post?page=2` })).toEqual([]);
    expect(await found({ target: `${target}/more` })).toEqual([]);
  });

  test('by probability, both bounds included', async () => {
    const { probability } = await backtalk.get(`/v1/submissions/${ids.cem}`);
    const bound = String(probability);
    expect(await found({ minProbability: bound, maxProbability: bound })).toContain('cem');
    expect(await found({ minProbability: String(probability + 1e-9) })).not.toContain('cem');
    expect(await found({ maxProbability: String(probability - 1e-9) })).not.toContain('cem');
    expect(await found({ minProbability: '0.9', maxProbability: '0.1' })).toEqual([]);
  });

  test.each([
    'stauts=held',
    'status=hold',
    'status=held&status=hold',
    'kind=ping',
    'site=blog',
    'target=blog',
    'target=ftp://blog.example/',
    'minProbability=high',
    'minProbability=-0.1',
    'maxProbability=1.1',
    'minProbability=%20',
    'minProbability=0&minProbability=1',
    'sort=random',
    'sort=oldest&sort=newest',
    'limit=0',
    'limit=201',
    'limit=1.5',
    'limit=-1',
    'limit=ten',
    'offset=10',
    'page=2',
    'q=%00',
    'author=%01',
    `q=${'x'.repeat(201)}`,
    `${'q=x&'.repeat(51)}`,
    'Status=held',
    'status[]=held',
  ])('%s is refused, and the answer names the parameter', async (search) => {
    const { status, code, message } = await refusal(search);
    expect([status, code]).toEqual([400, 'moderate.bad_input']);
    if (!/offset|page|stauts|Status|status\[/.test(search)) expect(message).toContain(search.split('=')[0]);
  });
});

describe('an order', () => {
  test('oldest first unless asked for, newest first, or likeliest spam first with what was not judged last', async () => {
    const author = { name: 'In Order' };
    const held = [
      await comment({ author, content: 'A loaf' }),
      await comment({ author, content: 'Casino bonus viagra' }),
    ];
    const later = await comment({ author, content: 'Thanks, the crust came out well' });
    const ids = [...held, later];
    expect(await idsOf({ author: 'in order' })).toEqual(ids);
    expect(await idsOf({ author: 'in order', sort: 'oldest' })).toEqual(ids);
    expect(await idsOf({ author: 'in order', sort: 'newest' })).toEqual([...ids].reverse());

    const none = [await unjudged('first'), await unjudged('second')];
    const { items } = await list({ sort: 'probability', limit: '200' });
    const probabilities = items.map(({ probability }: Json) => probability ?? -1);
    expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a));
    const last = items.slice(-none.length - 2).map(({ probability }: Json) => probability);
    expect(last.at(-1)).toBeNull();
    expect(items.map(({ id }: Json) => id)).toEqual(expect.arrayContaining(none));
  });
});

describe('paging', () => {
  const author = { name: 'Paged' };
  const paged = { author: 'Paged' };
  let ids: string[];
  beforeAll(async () => {
    ids = [];
    // Of each text several, which are all equally likely spam.
    for (const content of ['Equal', 'Casino viagra bonus', 'Equal', 'Thanks for the loaf', 'Equal', 'Equal', 'Equal'])
      ids.push(await comment({ author, content }));
  });

  test.each(['oldest', 'newest', 'probability'])('by %s gives every row once, at any size of page', async (sort) => {
    const whole = (await list({ ...paged, sort, limit: '200' })).items;
    expect(whole).toHaveLength(7);
    for (const limit of ['1', '2', '3', '7', '8']) expect(await page({ ...paged, sort, limit })).toEqual(whole);
  });

  test('with nothing that was judged goes to the end', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await unjudged(name);
    const filter = { kind: 'pingback', q: 'nolink.html?page-' };
    const whole = (await list({ ...filter, sort: 'probability' })).items;
    expect(whole.map(({ probability }: Json) => probability)).toEqual([null, null, null]);
    expect(await page({ ...filter, sort: 'probability', limit: '1' })).toEqual(whole);
  });

  test.each(['oldest', 'newest', 'probability'])(
    'by %s neither repeats nor leaves out what was there from the start, while others arrive and are decided',
    async (sort) => {
      const before = (await list({ ...paged, sort })).items.map(({ id }: Json) => id);
      const found = await page({ ...paged, sort, limit: '2' }, async (pages) => {
        await comment({ author: { name: `Paged ${sort}` }, content: 'Equal' });
        // This list takes every status: what is decided stays where it is.
        await backtalk.send(`/v1/submissions/${before[pages]}/reject`);
      });
      const seen = found.map(({ id }) => id);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => before.includes(id))).toEqual(before);
    },
  );

  test('goes on where it was although the last row of the page is gone from the filter', async () => {
    const filter = { author: 'Leaving', status: 'held' };
    const made = [];
    for (let count = 0; count < 5; count++) made.push(await comment({ author: { name: 'Leaving' }, content: 'Equal' }));
    for (const id of made) await backtalk.send(`/v1/submissions/${id}/hold`);
    const found = await page({ ...filter, limit: '2', sort: 'probability' }, async () => {
      for (const id of await idsOf({ ...filter, sort: 'probability' }).then((left) => left.slice(0, 2)))
        await backtalk.send(`/v1/submissions/${id}/reject`);
    });
    expect(found.map(({ id }) => id).sort()).toEqual([...made].sort());
  });

  test('is bound to its filters and its order', async () => {
    const { next } = await list({ ...paged, limit: '2' });
    const other = [
      { author: 'Page', limit: '2' },
      { ...paged, status: 'held' },
      { ...paged, sort: 'newest' },
      { limit: '2' },
    ];
    for (const parameters of other) {
      const answer = await refusal(query({ ...parameters, cursor: next }));
      expect([answer.status, answer.code]).toEqual([400, 'moderate.bad_cursor']);
    }
    // The size of the page may change on the way.
    expect((await list({ ...paged, limit: '3', cursor: next })).items[0].id).toBe(ids[2]);
    const decisions = await backtalk.request('GET', `/v1/decisions?cursor=${next}`);
    expect(decisions.json.error.code).toBe('moderate.bad_cursor');
  });

  test('refuses a cursor that is damaged or made up', async () => {
    const { next } = await list({ ...paged, limit: '2' });
    const [print, seq, probability] = JSON.parse(Buffer.from(next, 'base64url').toString());
    const made = [
      [print, seq],
      [print, seq, probability, 0],
      [print, seq + 0.5, probability],
      [print, 1e300, probability],
      [print, String(seq), probability],
      [print, null, probability],
      [print, seq, [1]],
      ['', seq, probability],
      { 0: print, length: 3 },
      null,
      7,
    ].map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'));
    for (const cursor of [next.slice(1), next.slice(0, -4), `x${next}`, 'x', '1', 'A'.repeat(5_000), ...made]) {
      const answer = await refusal(query({ ...paged, cursor }));
      expect([cursor, answer.status, answer.code]).toEqual([cursor, 400, 'moderate.bad_cursor']);
    }
  });

  test('takes 1 to 200 at once, and 50 unless told', async () => {
    const many = { author: { name: 'Many' } };
    for (let count = 0; count < 51; count += 17)
      await Promise.all(Array.from({ length: 17 }, () => comment({ ...many, content: 'Equal' })));
    const first = await list({ author: 'Many' });
    expect(first.items).toHaveLength(50);
    expect((await list({ author: 'Many', cursor: first.next })).items).toHaveLength(1);
    expect((await list({ author: 'Many', limit: '200' })).items).toHaveLength(51);
    expect((await list({ author: 'Many', limit: '1' })).items).toHaveLength(1);
    expect(await list({ author: 'Nobody at all' })).toEqual({ items: [], next: null });
  });
});
