import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
let target: string;
beforeAll(async () => {
  backtalk = await startTestService();
  await backtalk.holdRefits();
  // Its comments are much alike, and many of them are marked as spam: that must not put the next one aside.
  const [site] = (await backtalk.get('/v1/sites')).items;
  await backtalk.request('PATCH', `/v1/sites/${site.id}`, { body: JSON.stringify({ settings: { spamAbove: 1 } }) });
  target = backtalk.web.url('blog.example', '/described');
  await backtalk.send('/v1/targets', { url: target, title: 'Bread', text: 'Flour, water, salt and a hot oven.' });
});
afterAll(() => backtalk.stop());

const actions = { approve: 'approved', reject: 'rejected', spam: 'spam', hold: 'held' } as const;
const nobody = '01890000-0000-7000-8000-000000000000';
let made = 0;

/** A new comment, held unless `held` is false: then it is as policy has it. */
async function comment(content = 'The crumb is what I bake for.', held = true): Promise<string> {
  made += 1;
  const { id, status } = await backtalk.comment({ target, content: `${content} (${made})` });
  if (held && status !== 'held') await act(id, 'hold');
  return id;
}
const comments = (count: number) => Promise.all(Array.from({ length: count }, () => comment()));
const act = (id: string, action: string, body: object = {}) =>
  backtalk.request('POST', `/v1/submissions/${id}/${action}`, { body: JSON.stringify(body) });
const bulk = (body: object) => backtalk.request('POST', '/v1/decisions', { body: JSON.stringify(body) });
const undo = (id: string) => backtalk.request('POST', `/v1/decisions/${id}/undo`);
const read = (id: string) => backtalk.get(`/v1/submissions/${id}`);
const check = () =>
  backtalk.send('/v1/check', {
    target,
    author: { name: 'Ann' },
    content: 'The crumb is what I bake for, and the crust.',
  });

/** The history must lead without a gap from the first status to the one that stands. */
function expectConsistent({ history, status }: Json): void {
  for (const [index, move] of history.entries()) expect(move.from).toBe(index === 0 ? null : history[index - 1].to);
  expect(history.at(-1).to).toBe(status);
}

function sendPingback(source: string) {
  const body = `<?xml version="1.0"?><methodCall><methodName>pingback.ping</methodName><params>
    <param><value>${source}</value></param><param><value>${target}</value></param></params></methodCall>`;
  return backtalk.request('POST', '/xmlrpc', { body, token: null });
}

/** A ping, held, whose source can be taken away. */
async function ping(name: string): Promise<{ id: string; vanish: () => Promise<void>; comeBack: () => Promise<void> }> {
  const [host, path] = ['carol.example', `/${name}`];
  const source = backtalk.web.url(host, path);
  const page = `<title>Here</title><p>About <a href="${target}">the loaf</a></p>`;
  const pingback = () => sendPingback(source);
  const item = async () => {
    const { items } = await backtalk.get(`/v1/submissions?q=${encodeURIComponent(source)}`);
    return items[0];
  };
  backtalk.web.page(host, path, page);
  await pingback();
  const { id, status } = await until(async () => {
    const found = await item();
    return found?.status !== 'received' && found;
  });
  if (status !== 'held') await act(id, 'hold');
  const turn = async (answer: Parameters<typeof backtalk.web.page>[2], isDone: (status: string) => boolean) => {
    backtalk.web.page(host, path, answer);
    await pingback();
    await until(async () => isDone((await read(id)).status));
  };
  return {
    id,
    vanish: () =>
      turn(
        (_, response) => void response.writeHead(410).end(),
        (now) => now === 'removed',
      ),
    comeBack: () => turn(page, (now) => now !== 'removed'),
  };
}

describe('deciding on one', () => {
  test.each(Object.entries(actions))('%s leads to %s from every status that can be decided on', async (action, to) => {
    for (const [before, from] of Object.entries(actions)) {
      const id = await comment();
      if (before !== 'hold') await act(id, before);
      const { version } = await read(id);
      const answer = await act(id, action, { note: 'seen' });
      expect(answer.status).toBe(200);
      expect(answer.json.submission).toMatchObject({ id, status: to });
      const after = await read(id);
      expect(after.status).toBe(to);
      expectConsistent(after);
      if (from === to && action !== 'hold') continue;
      expect(answer.json.decision).toMatchObject({ action, actor: 'ADMIN_TOKEN', note: 'seen', undoneAt: null });
      expect(answer.json.decision.results).toEqual([{ id, ok: true, from, to }]);
      expect(after.version).toBe(version + 1);
      expect(after.history.at(-1)).toMatchObject({ from, to, actor: 'ADMIN_TOKEN', reason: 'seen', undo: false });
    }
  });

  test('the same action again is answered with the decision that stands, and changes nothing', async () => {
    const id = await comment();
    const first = (await act(id, 'approve')).json;
    const after = await read(id);
    const again = await act(id, 'approve', { from: 'held', note: 'twice' });
    expect(again.status).toBe(200);
    expect(again.json.decision).toMatchObject({ id: first.decision.id, at: first.decision.at, note: null });
    expect(again.json.submission).toEqual(first.submission);
    expect(await read(id)).toEqual(after);
  });

  test('another status than the moderator saw is a conflict that shows the submission as it is', async () => {
    const id = await comment();
    await act(id, 'approve');
    const answer = await act(id, 'spam', { from: 'held' });
    expect(answer.status).toBe(409);
    expect(answer.json.error.code).toBe('moderate.status_changed');
    expect(answer.json.error.details.submission).toMatchObject({ id, status: 'approved', version: 2 });
    expect((await read(id)).status).toBe('approved');
    expect((await act(id, 'spam', { from: 'approved' })).status).toBe(200);
  });

  test('what is received, invalid or removed cannot be decided on', async () => {
    let release = () => {};
    backtalk.web.page('carol.example', '/slow', (_, response) => {
      release = () => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>no link</p>');
    });
    const source = backtalk.web.url('carol.example', '/slow');
    await sendPingback(source);
    const { items } = await backtalk.get(`/v1/submissions?q=${encodeURIComponent(source)}`);
    const refusedAs = async (id: string, status: string) => {
      for (const action of Object.keys(actions)) {
        const answer = await act(id, action);
        expect(answer.status).toBe(409);
        expect(answer.json.error).toMatchObject({
          code: 'moderate.illegal_move',
          details: { submission: { id, status } },
        });
      }
      expect((await read(id)).status).toBe(status);
    };
    const { id } = items[0];
    await refusedAs(id, 'received');
    await until(() => backtalk.web.visits('carol.example', '/slow') > 0);
    release();
    await until(async () => (await read(id)).status === 'invalid');
    await refusedAs(id, 'invalid');

    const gone = await ping('gone');
    await gone.vanish();
    await refusedAs(gone.id, 'removed');
  });

  test.each([
    ['unknown fields', { nte: 'x' }],
    ['an unknown status', { from: 'hold' }],
    ['a note that is too long', { note: 'x'.repeat(2_001) }],
    ['a list', []],
  ])('%s are refused, and say what is wrong', async (_, body) => {
    const id = await comment();
    const answer = await act(id, 'approve', body);
    expect(answer.status).toBe(400);
    expect(answer.json.error.code).toBe('moderate.bad_input');
    expect((await read(id)).version).toBe(1);
  });

  test('an unknown submission and an unknown action are not found; broken JSON is said to be that', async () => {
    expect((await act(nobody, 'approve')).json.error.code).toBe('moderate.not_found');
    expect((await act('what', 'approve')).status).toBe(404);
    const id = await comment();
    expect((await act(id, 'publish')).status).toBe(404);
    expect((await backtalk.request('POST', `/v1/submissions/${id}/approve`, { body: '{' })).json.error.code).toBe(
      'http.bad_json',
    );
    expect((await backtalk.request('POST', `/v1/submissions/${id}/approve`)).status).toBe(200);
  });

  test('a policy that put something aside stands in the audit log, can be confirmed, which teaches, or undone', async () => {
    const spam = { target, author: { name: 'casino' }, content: 'Casino bonus! Buy viagra http://casino.example/' };
    const [site] = (await backtalk.get('/v1/sites')).items;
    const setSpamAbove = (spamAbove: number) =>
      backtalk.request('PATCH', `/v1/sites/${site.id}`, { body: JSON.stringify({ settings: { spamAbove } }) });
    const ids = [];
    for (let count = 0; count < 5; count++) ids.push((await backtalk.comment(spam)).id);
    const taught = (await bulk({ action: 'spam', ids })).json;
    await setSpamAbove(0.5);
    const { id, status } = await backtalk.comment({ ...spam, content: `${spam.content} now` });
    expect(status).toBe('spam');
    const [policy] = (await backtalk.get('/v1/decisions?actor=policy&limit=1')).items;
    expect(policy).toMatchObject({ action: 'spam', actor: 'policy', submissions: 1, undoneAt: null });
    const { history, verdict } = await read(id);
    expect(history.map(({ to, actor }: Json) => [to, actor])).toEqual([
      ['held', 'comment'],
      ['spam', 'policy'],
    ]);
    expect(history[1].decision).toBe(policy.id);
    expect(verdict.outcome).toBe('spam');

    const unconfirmed = await check();
    const { decision, submission } = (await act(id, 'spam')).json;
    expect(decision).toMatchObject({ action: 'spam', actor: 'ADMIN_TOKEN' });
    expect(submission).toMatchObject({ status: 'spam', version: 2 });
    expect(await check()).not.toEqual(unconfirmed);
    await undo(decision.id);
    expect(await check()).toEqual(unconfirmed);
    expect((await read(id)).status).toBe('spam');
    expect((await undo(policy.id)).json).toMatchObject({ undoneBy: 'ADMIN_TOKEN', results: [{ id, to: 'held' }] });
    expect(await read(id)).toMatchObject({ status: 'held' });
    expect(await check()).toEqual(unconfirmed);
    await setSpamAbove(0.9);
    await undo(taught.id);
  });
});

describe('deciding on many', () => {
  test('by their ids, each with its result', async () => {
    const [a, b, c] = (await comments(3)) as [string, string, string];
    await act(b, 'reject');
    await act(c, 'approve');
    const { id: removed, vanish } = await ping('bulk');
    await vanish();
    const answer = await bulk({
      action: 'reject',
      ids: [a, b, c, removed, nobody, a.toUpperCase()],
      note: 'all of it',
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ action: 'reject', actor: 'ADMIN_TOKEN', note: 'all of it', undoneAt: null });
    expect(answer.json.results).toEqual([
      { id: a, ok: true, from: 'held', to: 'rejected' },
      { id: b, ok: true, from: 'rejected', to: 'rejected' },
      { id: c, ok: true, from: 'approved', to: 'rejected' },
      { id: removed, ok: false, from: 'removed', to: 'removed', code: 'moderate.illegal_move' },
      { id: nobody, ok: false, from: null, to: null, code: 'moderate.not_found' },
    ]);
    // What was so already keeps its own decision.
    const stored = await backtalk.get(`/v1/decisions/${answer.json.id}`);
    expect(stored.results.map(({ id }: Json) => id)).toEqual([a, c]);
    expect((await read(b)).version).toBe(2);
  });

  test('by a filter, if it means as many as the moderator saw', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => comment('Quaggas everywhere')));
    const filter = { q: 'quaggas', status: 'held' };
    const wrong = await bulk({ action: 'spam', filter, expect: 2 });
    expect(wrong.status).toBe(409);
    expect(wrong.json.error).toMatchObject({ code: 'moderate.count_changed', details: { count: 3 } });
    expect((await read(ids[0] as string)).status).toBe('held');

    const right = await bulk({ action: 'spam', filter, expect: 3 });
    expect(right.json.results.map(({ id }: Json) => id).sort()).toEqual([...ids].sort());
    for (const id of ids) expect((await read(id)).status).toBe('spam');
    expect((await bulk({ action: 'spam', filter, expect: 3 })).json.error.details).toEqual({ count: 0 });
  });

  test('of which none can be decided on changes nothing and says why', async () => {
    expect((await bulk({ action: 'spam', filter: { q: 'no such words' }, expect: 0 })).json.error.code).toBe(
      'moderate.not_found',
    );
    expect((await bulk({ action: 'spam', ids: [nobody] })).json.error).toMatchObject({
      code: 'moderate.not_found',
      details: { results: [{ id: nobody, ok: false, code: 'moderate.not_found' }] },
    });
    const { id, vanish } = await ping('none');
    await vanish();
    const answer = await bulk({ action: 'spam', ids: [id] });
    expect(answer.status).toBe(409);
    expect(answer.json.error).toMatchObject({ code: 'moderate.illegal_move', details: { results: [{ id }] } });
  });

  test('more than 500 at once is too many', async () => {
    const many = Array.from({ length: 501 }, (_, index) => nobody.slice(0, -3) + String(index).padStart(3, '0'));
    const answer = await bulk({ action: 'spam', ids: many });
    expect(answer.status).toBe(413);
    expect(answer.json.error).toMatchObject({ code: 'moderate.too_many', details: { most: 500 } });
    expect((await bulk({ action: 'spam', ids: many.slice(1) })).json.error.code).toBe('moderate.not_found');
  });

  test.each([
    ['neither ids nor filter', { action: 'spam' }],
    ['both', { action: 'spam', ids: [nobody], filter: {}, expect: 1 }],
    ['a filter without expect', { action: 'spam', filter: {} }],
    ['no ids', { action: 'spam', ids: [] }],
    ['a wrong id', { action: 'spam', ids: ['1'] }],
    ['a wrong action', { action: 'delete', ids: [nobody] }],
    ['a misspelt filter', { action: 'spam', filter: { stauts: 'held' }, expect: 0 }],
    ['a filter by nothing', { action: 'spam', filter: { q: '' }, expect: 0 }],
    ['a filter by nothing that is left', { action: 'spam', filter: { q: '\u0000' }, expect: 0 }],
    ['a filter that is null', { action: 'spam', filter: { minProbability: null }, expect: 0 }],
    ['a paging parameter', { action: 'spam', filter: { limit: 5 }, expect: 0 }],
  ])('%s is refused', async (_, body) => {
    const answer = await bulk(body);
    expect(answer.status).toBe(400);
    expect(answer.json.error.code).toBe('moderate.bad_input');
  });
});

describe('undoing', () => {
  test('restores each status, unlearns exactly, and can be done once only', async () => {
    const [a, b, c] = (await comments(3)) as [string, string, string];
    await act(b, 'approve');
    await act(c, 'reject');
    const before = await check();
    const decision = (await bulk({ action: 'spam', ids: [a, b, c] })).json;
    expect(await check()).not.toEqual(before);

    const undone = await undo(decision.id);
    expect(undone.status).toBe(200);
    expect(undone.json).toMatchObject({ id: decision.id, action: 'spam', undoneBy: 'ADMIN_TOKEN' });
    expect(undone.json.undoneAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(undone.json.results).toEqual([
      { id: a, ok: true, from: 'spam', to: 'held' },
      { id: b, ok: true, from: 'spam', to: 'approved' },
      { id: c, ok: true, from: 'spam', to: 'rejected' },
    ]);
    expect(await check()).toEqual(before);
    const after = await read(b);
    expect(after).toMatchObject({ status: 'approved', version: 4 });
    expect(after.history.at(-1)).toMatchObject({ from: 'spam', to: 'approved', decision: decision.id, undo: true });

    const again = await undo(decision.id);
    expect(again.status).toBe(409);
    expect(again.json.error.code).toBe('moderate.already_undone');
    expect(await read(b)).toEqual(after);
  });

  test('an unknown decision is not found', async () => {
    expect((await undo(nobody)).json.error.code).toBe('moderate.not_found');
    expect((await undo('what')).status).toBe(404);
  });

  test('goes back along a chain of decisions, step by step', async () => {
    const id = await comment();
    const states = [await check()];
    const decisions: string[] = [];
    for (const action of ['approve', 'spam', 'hold', 'spam', 'reject']) {
      decisions.push((await act(id, action)).json.decision.id);
      states.push(await check());
    }
    for (const [step, status] of (['spam', 'held', 'spam', 'approved', 'held'] as const).entries()) {
      expect((await undo(decisions.pop() as string)).json.results).toMatchObject([{ id, ok: true, to: status }]);
      expect((await read(id)).status).toBe(status);
      expect(await check()).toEqual(states[4 - step]);
    }
    const after = await read(id);
    expect(after.version).toBe(11);
    expectConsistent(after);
  });

  test('changes nothing where a later decision stands, and undoing that one leads past both', async () => {
    const [a, b] = (await comments(2)) as [string, string];
    const before = await check();
    const first = (await bulk({ action: 'approve', ids: [a] })).json;
    const second = (await act(a, 'spam')).json.decision;
    const between = await check();
    const early = await undo(first.id);
    expect(early.status).toBe(200);
    expect(early.json.results).toEqual([{ id: a, ok: false, from: 'spam', to: 'spam', code: 'superseded' }]);
    expect(early.json.undoneAt).not.toBeNull();
    expect(await check()).toEqual(between);
    expect((await undo(second.id)).json.results).toMatchObject([{ id: a, ok: true, to: 'held' }]);
    expect((await undo(first.id)).json.error.code).toBe('moderate.already_undone');
    expect(await check()).toEqual(before);

    // Of several, those that have no later decision are restored at once.
    const both = (await bulk({ action: 'spam', ids: [a, b] })).json;
    const later = (await act(b, 'approve')).json.decision;
    expect((await undo(both.id)).json.results).toMatchObject([
      { id: a, ok: true, to: 'held' },
      { id: b, ok: false, code: 'superseded' },
    ]);
    await undo(later.id);
    expect((await read(b)).status).toBe('held');
    expect(await check()).toEqual(before);
  });

  test('of all decisions, in whatever order, is as if none had been made', async () => {
    const ids = await comments(3);
    const before = await check();
    const actions = ['spam', 'approve', 'reject', 'hold', 'spam', 'approve', 'spam'];
    for (const step of [1, 2, 3, 5]) {
      const made: string[] = [];
      for (const [index, action] of actions.entries()) {
        const some = ids.filter((_, place) => (index + place) % 3 !== 0);
        made.push((await bulk({ action, ids: some })).json.id);
      }
      // Steps that share no divisor with seven visit all of them, each in another order.
      for (let index = 0; index < made.length; index += 1) {
        expect((await undo(made[(index * step) % made.length] as string)).status).toBe(200);
      }
      for (const id of ids) expect((await read(id)).status).toBe('held');
      expect(await check()).toEqual(before);
    }
  });

  test('of something whose source has gone meanwhile keeps it removed, and lets it come back as it was before', async () => {
    const { id, vanish, comeBack } = await ping('undone');
    const before = await check();
    const { decision } = (await act(id, 'approve')).json;
    await vanish();
    expect((await undo(decision.id)).json.results).toEqual([{ id, ok: true, from: 'removed', to: 'removed' }]);
    expect(await check()).toEqual(before);
    await comeBack();
    const after = await read(id);
    expect(after.status).toBe('held');
    expectConsistent(after);
  });
});

describe('the audit log', () => {
  test('lists decisions newest first, by pages, also while new ones arrive', async () => {
    const ids = await comments(5);
    const decided: string[] = [];
    for (const id of ids) decided.push((await act(id, 'reject')).json.decision.id);
    const seen: string[] = [];
    let { items, next } = await backtalk.get('/v1/decisions?limit=2');
    seen.push(...items.map(({ id }: Json) => id));
    await act(ids[0] as string, 'hold');
    while (seen.length < 5) {
      ({ items, next } = await backtalk.get(`/v1/decisions?limit=2&cursor=${next}`));
      seen.push(...items.map(({ id }: Json) => id));
    }
    expect(seen.slice(0, 5)).toEqual(decided.reverse());
    expect(items[0]).toMatchObject({ action: 'reject', actor: 'ADMIN_TOKEN', submissions: 1 });
  });

  test('is filtered by actor, and ends', async () => {
    const token = (await backtalk.send('/v1/tokens', { name: 'Mia', scope: 'moderate' })).token;
    const ids = await comments(3);
    for (const id of ids) await backtalk.send(`/v1/submissions/${id}/reject`, {}, { token });
    const first = await backtalk.get('/v1/decisions?actor=Mia&limit=2');
    const second = await backtalk.get(`/v1/decisions?actor=Mia&limit=2&cursor=${first.next}`);
    const all = [...first.items, ...second.items];
    expect(all).toHaveLength(3);
    expect(all.every(({ actor }) => actor === 'Mia')).toBe(true);
    expect(second.next).toBeNull();
    expect(await backtalk.get('/v1/decisions?actor=Nobody')).toEqual({ items: [], next: null });
    const elsewhere = await backtalk.request('GET', `/v1/decisions?actor=policy&cursor=${first.next}`);
    expect(elsewhere.json.error.code).toBe('moderate.bad_cursor');
  });

  test.each(['limit=0', 'limit=201', 'limit=many', 'actr=Mia', 'limit=1&limit=2'])('refuses %s', async (query) => {
    expect((await backtalk.request('GET', `/v1/decisions?${query}`)).json.error.code).toBe('moderate.bad_input');
  });
});

describe('at the same time', () => {
  test('twenty different actions on one submission leave one history, and the last one is what it says', async () => {
    const id = await comment();
    const before = await check();
    const names = Object.keys(actions);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => act(id, names[index % 4] as string)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const after = await read(id);
    expectConsistent(after);
    expect(after.version).toBe(after.history.length);
    const told = new Set(answers.map(({ json }) => json.decision.id));
    const written = after.history.slice(1).map(({ decision }: Json) => decision);
    expect(new Set(written)).toEqual(told);
    expect(new Set(written).size).toBe(written.length);

    for (const decision of written.reverse()) expect((await undo(decision)).status).toBe(200);
    expect((await read(id)).status).toBe('held');
    expect(await check()).toEqual(before);
  });

  test('of twenty undos of one decision exactly one wins', async () => {
    const ids = await comments(3);
    const before = await check();
    const { id } = (await bulk({ action: 'spam', ids })).json;
    const answers = await Promise.all(Array.from({ length: 20 }, () => undo(id)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    for (const each of ids) expect(await read(each)).toMatchObject({ status: 'held', version: 3 });
    expect(await check()).toEqual(before);
  });

  test('bulk decisions that overlap, and undos between them, never wait for each other in a circle', async () => {
    const ids = await comments(8);
    const before = await check();
    const decided = await Promise.all(
      Array.from({ length: 12 }, (_, round) => {
        const turned = [...ids.slice(round % 8), ...ids.slice(0, round % 8)];
        return bulk({ action: ['spam', 'approve', 'reject'][round % 3], ids: round % 2 ? turned : turned.reverse() });
      }),
    );
    expect(decided.map(({ status }) => status)).toEqual(Array(12).fill(200));
    const mixed = await Promise.all(
      decided.flatMap(({ json }, round) => [undo(json.id), act(ids[round % 8] as string, 'approve')]),
    );
    for (const { status } of mixed) expect([200, 409]).toContain(status);
    for (const id of ids) {
      const after = await read(id);
      expectConsistent(after);
      expect(after.version).toBe(after.history.length);
    }
    await bulk({ action: 'hold', ids });
    expect(await check()).toEqual(before);
  });

  test('decisions while the queue is judged again and new comments are judged all come through', async () => {
    const ids = await comments(6);
    backtalk.advance(31_000);
    const work = ids.flatMap((id, index) => [act(id, index % 2 ? 'spam' : 'approve'), check(), comment('More', false)]);
    await Promise.all(work);
    for (const [index, id] of ids.entries()) expect((await read(id)).status).toBe(index % 2 ? 'spam' : 'approved');
  });
});
