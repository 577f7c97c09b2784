import { inArray, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, startTestService, type TestService } from '../support/service.ts';
import { decide, loaf, newSite, type Site, unwanted, wanted } from '../support/site.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

let named = 0;

/** A moderator of their own, for one test. */
async function moderator(site?: Site) {
  named += 1;
  const name = `moderator ${named}`;
  const { token } = await backtalk.send('/v1/tokens', { name, scope: 'moderate', site: site?.id });
  const act = (id: string, action: string): Promise<Json> => decide(backtalk, id, action, token);
  return { name, token: token as string, act };
}

const comments = (site: Site, count: number) =>
  Promise.all(Array.from({ length: count }, async (_, n) => (await site.comment(loaf(n))).id));
const log = (query: Record<string, string>) => backtalk.get(`/v1/decisions?${new URLSearchParams(query)}`);
const idsOf = ({ items }: Json): string[] => items.map(({ id }: Json) => id);
const undoAll = (filter: object, expected: number, token?: string) =>
  backtalk.request('POST', '/v1/decisions/undo', {
    body: JSON.stringify({ filter, expect: expected }),
    ...(token !== undefined && { token }),
  });
const statusOf = async (id: string) => (await backtalk.get(`/v1/submissions/${id}`)).status;

describe('the audit log', () => {
  test('is filtered by actors, actions, site, and whether a decision was undone', async () => {
    const [site, other] = [await newSite(backtalk), await newSite(backtalk)];
    const [mia, ben] = [await moderator(), await moderator()];
    const [a, b] = (await comments(site, 2)) as [string, string];
    const [c] = (await comments(other, 1)) as [string];
    const first = await mia.act(a, 'approve');
    const second = await ben.act(b, 'spam');
    const third = await mia.act(c, 'reject');
    await backtalk.send(`/v1/decisions/${second.id}/undo`);
    const both = await backtalk.get(
      `/v1/decisions?${new URLSearchParams([
        ['actor', mia.name],
        ['actor', ben.name],
      ])}`,
    );
    expect(idsOf(both)).toEqual([third.id, second.id, first.id]);
    expect(idsOf(await log({ actor: mia.name }))).toEqual([third.id, first.id]);
    expect(idsOf(await log({ actor: mia.name, action: 'reject' }))).toEqual([third.id]);
    expect(idsOf(await log({ site: site.id }))).toEqual([second.id, first.id]);
    expect(idsOf(await log({ site: site.id, undone: 'true' }))).toEqual([second.id]);
    expect(idsOf(await log({ site: site.id, undone: 'false' }))).toEqual([first.id]);
  });

  test('is filtered by time, from `since` on and before `until`, and a page goes on under its own filters only', async () => {
    const site = await newSite(backtalk);
    const made: Json[] = [];
    for (const id of await comments(site, 3)) {
      made.push(await decide(backtalk, id, 'reject'));
      backtalk.advance(1_000);
    }
    const [first, second, third] = made;
    expect(idsOf(await log({ site: site.id, since: second.at }))).toEqual([third.id, second.id]);
    expect(idsOf(await log({ site: site.id, until: second.at }))).toEqual([first.id]);
    expect(idsOf(await log({ site: site.id, since: second.at, until: third.at }))).toEqual([second.id]);
    const { next } = await log({ site: site.id, since: second.at, limit: '1' });
    expect(idsOf(await log({ site: site.id, since: second.at, limit: '1', cursor: next }))).toEqual([second.id]);
    expect((await log({ site: site.id, limit: '1', cursor: next })).error.code).toBe('moderate.bad_cursor');
  });

  test.each([
    'undone=maybe',
    'action=delete',
    'site=here',
    'since=then',
    'until=now',
    'until=9999-12-31T23:59:59-23:00',
  ])('refuses %s', async (query) => {
    const answer = await backtalk.request('GET', `/v1/decisions?${query}`);
    expect([answer.status, answer.json.error.code]).toEqual([400, 'moderate.bad_input']);
    expect(answer.json.error.message).toContain(query.split('=')[0] as string);
  });
});

describe('the summary of actors', () => {
  test('shows how much each decided, what was undone, and who goes against what the model is sure of', async () => {
    const site = await newSite(backtalk, { spamAbove: 0.5 });
    const [steady, outlier] = [await moderator(), await moderator()];
    const ham = await comments(site, 4);
    const spam = await Promise.all(unwanted.map((message) => site.comment(message)));
    expect(spam.map(({ status }) => status)).toEqual(['spam', 'spam']);
    const doubted = await site.comment({ author: { name: 'Bob' }, content: 'Nice post, thanks for sharing.' });
    // How sure the model is of them is not what is tested.
    const score = (ids: string[], probability: number) =>
      backtalk.database.db.execute(
        sql`update submissions set probability = ${probability} where ${inArray(sql`id`, ids)}`,
      );
    await score(ham, 0.1);
    await score(
      spam.map(({ id }) => id),
      0.9,
    );
    await score([doubted.id], 0.89);
    await steady.act(ham[0] as string, 'approve');
    await steady.act(spam[0]?.id as string, 'spam');
    await steady.act(doubted.id, 'approve');
    for (const id of ham.slice(1)) await outlier.act(id, 'spam');
    await outlier.act(spam[1]?.id as string, 'approve');
    // A repeated word on the same submission touches no more of them.
    const last = await outlier.act(ham[0] as string, 'hold');
    await backtalk.send(`/v1/decisions/${last.id}/undo`);
    await outlier.act(ham[1] as string, 'hold');

    const { items, since } = await backtalk.get(`/v1/decisions/actors?site=${site.id}`);
    expect(since).toMatch(/Z$/);
    expect(items.filter(({ actor }: Json) => actor !== 'policy')).toEqual([
      {
        actor: outlier.name,
        decisions: { approve: 1, reject: 0, spam: 3, hold: 2 },
        undone: 1,
        submissions: 5,
        clear: 4,
        contradicting: 4,
        share: 1,
      },
      {
        actor: steady.name,
        decisions: { approve: 2, reject: 0, spam: 1, hold: 0 },
        undone: 0,
        submissions: 3,
        clear: 2,
        contradicting: 0,
        share: 0,
      },
    ]);
    const policy = items.find(({ actor }: Json) => actor === 'policy');
    expect(policy).toMatchObject({ decisions: { spam: 2 }, share: null });
    const mine = await moderator(site);
    expect((await backtalk.get('/v1/decisions/actors', { token: mine.token })).items).toEqual(items);
    backtalk.advance(60_000);
    const none = `/v1/decisions/actors?site=${site.id}&since=${new Date(Date.parse(last.at) + 59_000).toISOString()}`;
    expect((await backtalk.get(none)).items).toEqual([]);
  });

  test('looks a year back at most', async () => {
    const answer = await backtalk.request('GET', '/v1/decisions/actors?since=2001-01-01T00:00:00Z');
    expect([answer.status, answer.json.error.code]).toEqual([400, 'moderate.bad_input']);
  });
});

describe('undoing all that one actor decided', () => {
  test('of a flood of 300 leaves the model and the statuses as if none had been made', async () => {
    const site = await newSite(backtalk);
    await backtalk.holdRefits();
    const ids = await comments(site, 30);
    const [sound, flood] = [await moderator(), await moderator()];
    for (const id of ids.slice(0, 5)) await sound.act(id, 'approve');
    const questions = [...wanted, ...unwanted, loaf(1_000)];
    const check = () => Promise.all(questions.map(site.check));
    const statuses = () => Promise.all(ids.map(statusOf));
    const before = [await check(), await statuses()];

    for (const round of Array(10).keys()) {
      for (const id of ids) await flood.act(id, ['reject', 'spam', 'approve', 'hold', 'spam'][round % 5] as string);
    }
    expect(await check()).not.toEqual(before[0]);
    expect((await statuses()).every((status) => status === 'spam')).toBe(true);
    const { items } = await backtalk.get(`/v1/decisions/actors?site=${site.id}`);
    const summary = items.find(({ actor }: Json) => actor === flood.name);
    expect(summary.decisions).toMatchObject({ reject: 60, spam: 120, approve: 60, hold: 60 });

    const { status, json } = await undoAll({ actor: flood.name }, 300);
    expect(status).toBe(200);
    expect(json).toMatchObject({ undone: 300, restored: 300, superseded: 0 });
    expect(json.decisions).toHaveLength(300);
    expect(json.decisions[0]).toEqual({ id: json.decisions[0].id, ok: true, restored: 1, superseded: 0 });
    expect([await check(), await statuses()]).toEqual(before);
    expect(idsOf(await log({ actor: flood.name, undone: 'false' }))).toEqual([]);
    const { undoneBy } = (await log({ actor: flood.name, limit: '1' })).items[0];
    expect(undoneBy).toBe('ADMIN_TOKEN');
  }, 120_000);

  test('leaves alone what somebody decided later, and says so', async () => {
    const site = await newSite(backtalk);
    const [flood, later] = [await moderator(), await moderator()];
    const [a, b, c] = (await comments(site, 3)) as [string, string, string];
    const bulk = await backtalk.send('/v1/decisions', { action: 'spam', ids: [a, b] }, { token: flood.token });
    const single = await flood.act(c, 'spam');
    await later.act(b, 'approve');
    const { json } = await undoAll({ actor: flood.name }, 2);
    expect(json).toEqual({
      undone: 2,
      restored: 2,
      superseded: 1,
      decisions: [
        { id: single.id, ok: true, restored: 1, superseded: 0 },
        { id: bulk.id, ok: true, restored: 1, superseded: 1 },
      ],
    });
    expect(await Promise.all([a, b, c].map(statusOf))).toEqual(['held', 'approved', 'held']);
  });

  test('takes back no more than the filter says, and nothing twice', async () => {
    const site = await newSite(backtalk);
    const ben = await moderator();
    const [a, b, c] = (await comments(site, 3)) as [string, string, string];
    await ben.act(a, 'approve');
    const { at } = await ben.act(b, 'spam');
    backtalk.advance(1_000);
    await ben.act(c, 'spam');
    const until = new Date(Date.parse(at) + 500).toISOString();
    expect((await undoAll({ actor: ben.name, action: 'spam', until }, 1)).json).toMatchObject({ undone: 1 });
    expect(await Promise.all([a, b, c].map(statusOf))).toEqual(['approved', 'held', 'spam']);
    const twice = await undoAll({ actor: ben.name, action: 'spam', until }, 1);
    expect([twice.status, twice.json.error.code]).toEqual([409, 'moderate.count_changed']);
    expect(twice.json.error.details).toEqual({ count: 0 });
    expect((await undoAll({ actor: [ben.name], site: site.id, since: at }, 1)).json).toMatchObject({ undone: 1 });
    expect(await Promise.all([a, b, c].map(statusOf))).toEqual(['approved', 'held', 'held']);
  });

  test('works on what policy did', async () => {
    const site = await newSite(backtalk, { spamAbove: 0.5 });
    const { id, status } = await site.comment(unwanted[0] as (typeof unwanted)[number]);
    expect(status).toBe('spam');
    expect(await log({ actor: 'policy', site: site.id })).toMatchObject({
      items: [{ action: 'spam', undoneAt: null }],
    });
    expect((await undoAll({ actor: 'policy', site: site.id }, 1)).json).toMatchObject({ undone: 1, restored: 1 });
    expect(await statusOf(id)).toBe('held');
  });

  test('with a token bound to one site passes over what was decided on others too', async () => {
    const [site, other] = [await newSite(backtalk), await newSite(backtalk)];
    const [flood, bound] = [await moderator(), await moderator(site)];
    const [a] = (await comments(site, 1)) as [string];
    const [b] = (await comments(other, 1)) as [string];
    const [c] = (await comments(site, 1)) as [string];
    const both = await backtalk.send('/v1/decisions', { action: 'spam', ids: [a, b] }, { token: flood.token });
    const own = await flood.act(c, 'spam');
    const { json } = await undoAll({ actor: flood.name }, 2, bound.token);
    expect(json).toMatchObject({ undone: 1, restored: 1 });
    expect(json.decisions).toEqual([
      { id: own.id, ok: true, restored: 1, superseded: 0 },
      { id: both.id, ok: false, restored: 0, superseded: 0, code: 'auth.forbidden' },
    ]);
    expect(await Promise.all([a, b, c].map(statusOf))).toEqual(['spam', 'spam', 'held']);
    const elsewhere = await undoAll({ actor: flood.name, site: other.id }, 1, bound.token);
    expect(elsewhere.json.error.code).toBe('auth.forbidden');
  });

  test('is refused as a whole beyond 5,000 decisions', async () => {
    await backtalk.database.db.execute(sql`
      insert into decisions (id, action, actor, at)
      select gen_random_uuid(), 'spam', 'a very busy one', now() from generate_series(1, 5001)`);
    const answer = await undoAll({ actor: 'a very busy one' }, 5_001);
    expect([answer.status, answer.json.error.code]).toEqual([413, 'moderate.too_many']);
    expect(answer.json.error.details).toEqual({ most: 5_000 });
  });

  test.each([
    ['no actor', { filter: { action: 'spam' }, expect: 0 }],
    ['no expect', { filter: { actor: 'Mia' } }],
    ['a misspelt filter', { filter: { actor: 'Mia', sinse: '2026-01-01T00:00:00Z' }, expect: 0 }],
    ['an empty actor', { filter: { actor: '' }, expect: 0 }],
    ['a wrong time', { filter: { actor: 'Mia', since: 'monday' }, expect: 0 }],
    ['a filter by undone', { filter: { actor: 'Mia', undone: true }, expect: 0 }],
  ])('refuses %s', async (_, body) => {
    const answer = await backtalk.request('POST', '/v1/decisions/undo', { body: JSON.stringify(body) });
    expect([answer.status, answer.json.error.code]).toEqual([400, 'moderate.bad_input']);
  });
});

test('an actor with a NUL in it is nobody, and no error of ours', async () => {
  const asked = await backtalk.request('GET', '/v1/decisions?actor=%00');
  expect([asked.status, asked.json.error?.code]).toEqual([400, 'moderate.bad_input']);
  expect((await backtalk.request('GET', '/v1/decisions?actor=a%00b')).status).toBe(200);
  const body = JSON.stringify({ filter: { actor: '\u0000' }, expect: 0 });
  expect((await backtalk.request('POST', '/v1/decisions/undo', { body })).status).toBe(400);
});
