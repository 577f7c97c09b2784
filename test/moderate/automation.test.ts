// What a site may have done for it: trust in known authors, old posts, watching only, and an engine that decides.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkingPage, ofSource, pingCall, trackBack, xmlRpc } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

const day = 24 * 3_600_000;
const codes = ({ reasons }: Json) => reasons.map(({ code }: Json) => code);
const set = (site: string, settings: object) =>
  backtalk.request('PATCH', `/v1/sites/${site}`, { body: JSON.stringify({ settings }) });
const decide = (id: string, action: string, token?: string) =>
  backtalk.request('POST', `/v1/submissions/${id}/${action}`, token === undefined ? {} : { token });

/** A site of its own for a test, and comments on it. */
async function newSite(host: string, settings: object) {
  const { id } = await backtalk.send('/v1/sites', { bases: [backtalk.web.url(host)], settings });
  const target = backtalk.web.url(host, '/post');
  const comment = (fields: object = {}) => backtalk.comment({ target, ...fields });
  return { id: id as string, target, comment };
}

describe('a trusted author', () => {
  const ann = (email = 'ann@friend.example') => ({ author: { name: 'Ann', email } });

  test('is published after moderators have approved them often enough, and until one is spam', async () => {
    const { comment } = await newSite('trusting.example', { trustAfterApproved: 2 });
    const first = await comment(ann());
    const second = await comment(ann('ANN@Friend.example'));
    await decide(first.id, 'approve');
    expect((await comment(ann())).status).toBe('held');
    await decide(second.id, 'approve');
    const trusted = await comment(ann());
    expect(trusted.status).toBe('approved');
    expect(codes(trusted)).toContain('trusted_author');
    expect((await comment({ author: { name: 'Ann' } })).status).toBe('held');
    expect((await comment(ann('ann@other.example'))).status).toBe('held');

    // What was marked as spam would be spam again in the same words.
    const inOtherWords = { ...ann(), content: 'My grandmother used to bake hers in a wood stove.' };
    await decide(trusted.id, 'spam');
    expect((await comment(inOtherWords)).status).toBe('held');
    // It was the moderator's mistake.
    await decide(trusted.id, 'hold');
    expect((await comment(inOtherWords)).status).toBe('approved');
  });

  test('is not made by what policy has approved, nor on another site', async () => {
    const { id, comment } = await newSite('automatic.example', { approveBelow: 0.5 });
    const elsewhere = await newSite('elsewhere.example', { trustAfterApproved: 1 });
    for (let n = 0; n < 2; n++) expect((await comment(ann())).status).toBe('approved');
    await set(id, { approveBelow: null, trustAfterApproved: 1 });
    const next = await comment(ann());
    expect(next.status).toBe('held');
    await decide(next.id, 'approve');
    expect((await comment(ann())).status).toBe('approved');
    expect((await elsewhere.comment(ann())).status).toBe('held');
  });

  test('is not whom a visitor claims to be, before or now', async () => {
    const { target, comment } = await newSite('claiming.example', { trustAfterApproved: 1 });
    const visit = async () => {
      const body = { target, ...ann(), content: 'A loaf like this needs a hotter oven.' };
      return (await backtalk.send('/v1/comments', body, { token: null })).id as string;
    };
    const statusOf = async (id: string) => (await backtalk.get(`/v1/submissions/${id}`)).status;
    await decide(await visit(), 'approve');
    expect((await comment(ann())).status).toBe('held');
    await decide((await comment(ann())).id, 'approve');
    expect((await comment(ann())).status).toBe('approved');
    expect(await statusOf(await visit())).toBe('held');
    // Nor can anybody lose a name by what others sign with it.
    await decide(await visit(), 'spam');
    const inOtherWords = 'My grandmother used to bake hers in a wood stove.';
    expect((await comment({ ...ann(), content: inOtherWords })).status).toBe('approved');
  });

  test('may be a host whose pages link here, but not one that is only claimed', async () => {
    const site = (await backtalk.get('/v1/sites')).items.find(({ name }: Json) => name.startsWith('blog.example'));
    await set(site.id, { trustAfterApproved: 1 });
    const settled = (source: string) =>
      until(async () => {
        const [found] = await ofSource(backtalk, source);
        return found !== undefined && found.status !== 'received' && found;
      });
    const ping = async (path: string, host: string) => {
      const source = linkingPage(backtalk, path, host);
      await xmlRpc(backtalk, pingCall(source, backtalk.post));
      return settled(source);
    };
    const claim = async (path: string) => {
      backtalk.web.page('claimed.example', path, '<title>Nothing</title><p>No link</p>');
      const source = backtalk.web.url('claimed.example', path);
      await trackBack(backtalk, { url: source, title: 'A loaf' });
      return settled(source);
    };
    const first = await ping('/1', 'friend.example');
    expect(first.status).toBe('held');
    await decide(first.id, 'approve');
    expect((await ping('/2', 'friend.example')).status).toBe('approved');
    expect((await ping('/2', 'sub.friend.example')).status).toBe('held');
    const claimed = await claim('/1');
    expect(claimed.status).toBe('held');
    await decide(claimed.id, 'approve');
    expect((await claim('/2')).status).toBe('held');
    expect((await ping('/3', 'claimed.example')).status).toBe('held');
    await set(site.id, { trustAfterApproved: null });
  });
});

describe('a post', () => {
  const publishedAt = (days: number) => new Date(Date.now() - days * day).toISOString();

  test('that is old has nothing approved unseen, as its engine tells its age or else from when it was first heard of', async () => {
    const { target, comment } = await newSite('aging.example', { approveBelow: 0.5, holdAfterDays: 10 });
    const fresh = await comment();
    expect(fresh.status).toBe('approved');
    const old = await comment({ post: { publishedAt: publishedAt(11) } });
    expect(old.status).toBe('held');
    expect(codes(old)).toContain('old_post');
    // It is remembered.
    expect((await comment()).status).toBe('held');
    expect(codes(await backtalk.send('/v1/check', { target, author: { name: 'Ann' }, content: 'A loaf' }))).toContain(
      'old_post',
    );
    expect((await comment({ post: { publishedAt: publishedAt(9) } })).status).toBe('approved');

    const unknown = backtalk.web.url('aging.example', '/unknown');
    expect((await comment({ target: unknown })).status).toBe('approved');
    backtalk.advance(10 * day);
    expect((await comment({ target: unknown })).status).toBe('held');
  });

  test('closes by its age, at every door, whatever a visitor says of it', async () => {
    const { id, target, comment } = await newSite('closing.example', { closeAfterDays: 30 });
    expect((await comment()).status).toBe('held');
    const { publishedAt: told } = await backtalk.send('/v1/targets', { url: target, publishedAt: publishedAt(60) });
    expect(told).toMatch(/Z$/);
    const refused = await backtalk.request('POST', '/v1/comments', {
      token: null,
      body: JSON.stringify({ target, author: { name: 'A' }, content: 'B', post: { publishedAt: publishedAt(1) } }),
    });
    expect([refused.status, refused.json.error.code]).toEqual([422, 'receive.closed_target']);
    expect((await comment()).error.code).toBe('receive.closed_target');
    const source = backtalk.web.url('alice.example', '/late');
    expect((await xmlRpc(backtalk, pingCall(source, target))).fault?.code).toBe(33);
    const path = `/trackback?target=${encodeURIComponent(target)}`;
    expect((await trackBack(backtalk, { url: source }, { path })).error).toBe(1);

    await set(id, { closeAfterDays: null });
    expect((await comment()).status).toBe('held');
  });

  test('that is old already when it is first heard of takes nothing in', async () => {
    const { comment } = await newSite('old.example', { closeAfterDays: 30 });
    expect((await comment({ post: { publishedAt: publishedAt(60) } })).error.code).toBe('receive.closed_target');
  });

  test('has a date of publication that is one', async () => {
    for (const publishedAt of ['yesterday', '2026-11-23', 7])
      expect((await backtalk.comment({ post: { publishedAt } })).error).toMatchObject({
        code: 'receive.bad_input',
        message: expect.stringMatching(/^post\.publishedAt: /),
      });
  });
});

describe('a site that only watches', () => {
  test('holds everything, and shows what would have been done and why', async () => {
    const { id, comment } = await newSite('watching.example', { shadow: true, approveBelow: 0.5 });
    const wanted = await comment();
    expect(wanted.status).toBe('held');
    expect(codes(wanted).slice(-2)).toEqual(['below_approve_threshold', 'shadow']);
    const { verdict, wouldBe, history } = await backtalk.get(`/v1/submissions/${wanted.id}`);
    expect([verdict.outcome, verdict.wouldBe, wouldBe]).toEqual(['held', 'approved', 'approved']);
    expect(history).toHaveLength(1);

    const roofs = { name: 'cheap roof repair', url: 'http://roofs.example/' };
    const content = 'Great site! Visit us for cheap roof repair, best prices: http://roofs.example/';
    await comment({ author: roofs, content });
    const { items } = await backtalk.get(`/v1/submissions?site=${id}&status=held`);
    expect(items.map((item: Json) => item.wouldBe)).toEqual(['approved', 'spam']);

    await set(id, { shadow: false });
    const spam = await comment({ author: roofs, content });
    expect(spam.status).toBe('spam');
    expect((await backtalk.get(`/v1/submissions/${spam.id}`)).wouldBe).toBeNull();
  });
});

describe('an engine', () => {
  let tokens: { bound: string; unbound: string; other: string };
  let site: Awaited<ReturnType<typeof newSite>>;
  let closed: Awaited<ReturnType<typeof newSite>>;
  beforeAll(async () => {
    site = await newSite('engine.example', { engineDecides: true });
    closed = await newSite('desk.example', {});
    const token = async (name: string, bound?: string) =>
      (await backtalk.send('/v1/tokens', { name, scope: 'submit', site: bound })).token as string;
    tokens = {
      bound: await token('engine', site.id),
      unbound: await token('engines'),
      other: await token('other engine', closed.id),
    };
  });
  const bulk = (token: string, body: object) =>
    backtalk.request('POST', '/v1/decisions', { token, body: JSON.stringify(body) });
  const undo = (token: string, id: string) => backtalk.request('POST', `/v1/decisions/${id}/undo`, { token });

  test('decides on the submissions of its site, which teaches, and takes that back', async () => {
    const text = { content: 'A wholly unheard word: quixotry' };
    const check = () => backtalk.send('/v1/check', { target: site.target, author: { name: 'Ann' }, ...text });
    await backtalk.holdRefits();
    const before = (await check()).probability;
    for (const token of [tokens.bound, tokens.unbound]) {
      const { id } = await site.comment(text);
      for (const [action, status] of [
        ['approve', 'approved'],
        ['reject', 'rejected'],
        ['hold', 'held'],
        ['spam', 'spam'],
      ] as const) {
        const answer = await decide(id, action, token);
        expect([answer.status, answer.json.submission?.status]).toEqual([200, status]);
        expect(answer.json.decision.actor).toBe(token === tokens.bound ? 'engine' : 'engines');
      }
      expect((await check()).probability).toBeGreaterThan(before);
      const { decision } = (await decide(id, 'approve', token)).json;
      expect((await undo(token, decision.id)).json).toMatchObject({ results: [{ from: 'approved', to: 'spam' }] });
      await decide(id, 'hold', token);
    }
    expect((await check()).probability).toBe(before);
  });

  test('decides on many at once, by ids or a filter, of its site only', async () => {
    const ids = [(await site.comment()).id, (await site.comment({ content: 'filtered' })).id];
    const foreign = (await closed.comment({ content: 'filtered' })).id;
    expect((await bulk(tokens.bound, { action: 'spam', ids })).status).toBe(200);
    const filtered = { action: 'approve', filter: { q: 'filtered' }, expect: 1 };
    expect((await bulk(tokens.unbound, filtered)).json.results).toMatchObject([{ id: ids[1], ok: true }]);
    for (const body of [
      { action: 'spam', ids: [ids[0], foreign] },
      { action: 'spam', filter: { q: 'filtered', site: closed.id }, expect: 1 },
    ])
      expect((await bulk(tokens.unbound, body)).json.error.code).toBe('auth.forbidden');
    expect((await backtalk.get(`/v1/submissions/${foreign}`)).status).toBe('held');
  });

  test('may not decide where its site does not say so, nor any longer once it does not', async () => {
    const { id } = await closed.comment();
    for (const token of [tokens.bound, tokens.unbound, tokens.other])
      expect((await decide(id, 'approve', token)).status).toBe(token === tokens.bound ? 404 : 403);
    expect((await bulk(tokens.other, { action: 'spam', ids: [id] })).status).toBe(403);
    expect((await backtalk.get(`/v1/submissions/${id}`)).status).toBe('held');

    await set(closed.id, { engineDecides: true });
    const { decision } = (await decide(id, 'approve', tokens.other)).json;
    await set(closed.id, { engineDecides: false });
    expect((await undo(tokens.other, decision.id)).status).toBe(403);
    expect((await undo(tokens.unbound, decision.id)).status).toBe(403);
    expect((await backtalk.get(`/v1/submissions/${id}`)).status).toBe('approved');
  });

  test('takes back no decision of anybody else, and gets no further into the desk', async () => {
    const { id } = await site.comment();
    const { decision } = (await decide(id, 'approve')).json;
    for (const token of [tokens.bound, tokens.unbound]) {
      expect((await undo(token, decision.id)).json.error.code).toBe('auth.forbidden');
      for (const path of [
        '/v1/submissions',
        `/v1/submissions/${id}`,
        '/v1/decisions',
        `/v1/decisions/${decision.id}`,
        '/v1/rules',
      ])
        expect((await backtalk.request('GET', path, { token })).status).toBe(403);
    }
    expect((await undo(tokens.bound, '01890000-0000-7000-8000-000000000000')).status).toBe(404);
    expect((await backtalk.get(`/v1/submissions/${id}`)).status).toBe('approved');
  });
});
