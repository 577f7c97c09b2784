// Nothing but a decision teaches: no door, header, field or outcome of policy changes what the model has counted.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkingPage, ofSource, pingCall, trackBack, xmlRpc } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
let site: string;
beforeAll(async () => {
  backtalk = await startTestService();
  site = (await backtalk.get('/v1/sites')).items[0].id;
  // Something to be spoilt: counts of both classes, of the words that the flood uses.
  for (const [content, action] of [
    [wanted, 'approve'],
    [unwanted, 'spam'],
  ] as const) {
    const { id } = await backtalk.comment({ target: apart(), content });
    await backtalk.send(`/v1/submissions/${id}/${action}`);
  }
});
afterAll(() => backtalk.stop());

const wanted = 'The crust of a sourdough loaf needs steam and a hot oven.';
const unwanted = 'Cheap roof repair, best prices, visit http://roofs.example/ now!';
/** A post that the verdict is asked for: approved responses under a post are part of its verdicts. */
const apart = () => backtalk.web.url('blog.example', '/apart');

/** All that a verdict shows of the counts, for texts of both kinds. */
async function counts(): Promise<Json> {
  const checks = [wanted, unwanted].map((content) =>
    backtalk.send('/v1/check', { target: apart(), author: { name: 'Ann', url: 'http://roofs.example/' }, content }),
  );
  return (await Promise.all(checks)).map(({ probability, groups, tokens }) => ({ probability, groups, tokens }));
}

const set = (settings: object) =>
  backtalk.request('PATCH', `/v1/sites/${site}`, { body: JSON.stringify({ settings }) });

describe('a flood', () => {
  test.each([
    ['policy puts aside as spam', { spamAbove: 0.5, approveBelow: null }],
    ['policy approves', { spamAbove: 1, approveBelow: 0.5 }],
    ['policy only watches', { spamAbove: 0.5, approveBelow: 0.4, shadow: true }],
  ])('that %s teaches nothing', async (_, settings) => {
    const before = await counts();
    expect(before[0].tokens.length).toBeGreaterThan(0);
    await set(settings);
    for (let n = 0; n < 10; n++)
      for (const content of [wanted, unwanted]) {
        await backtalk.comment({ content });
        const body = { target: backtalk.post, author: { name: 'Ann', url: 'http://roofs.example/' }, content };
        await backtalk.send('/v1/comments', body, { token: null });
      }
    await set({ spamAbove: 0.9, approveBelow: null, shadow: false });
    expect(await counts()).toEqual(before);
  });

  test('that rules put aside or approve teaches nothing', async () => {
    const before = await counts();
    const rules = [];
    for (const rule of [
      { effect: 'allow', field: 'phrase', value: 'sourdough loaf' },
      { effect: 'block', field: 'host', value: 'roofs.example' },
    ])
      rules.push(await backtalk.send('/v1/rules', rule));
    for (let n = 0; n < 5; n++) {
      expect((await backtalk.comment({ content: wanted })).status).toBe('approved');
      expect((await backtalk.comment({ content: unwanted })).status).toBe('spam');
    }
    for (const { id } of rules) await backtalk.request('DELETE', `/v1/rules/${id}`);
    expect(await counts()).toEqual(before);
  });

  test('of pings, verified, approved and sent again, teaches nothing', async () => {
    const before = await counts();
    await set({ approveBelow: 0.5 });
    const sources = Array.from({ length: 4 }, (_, n) => linkingPage(backtalk, `/flood-${n}`, 'roofs.example'));
    for (const source of [...sources, ...sources]) {
      await xmlRpc(backtalk, pingCall(source, backtalk.post));
      await trackBack(backtalk, { url: source, title: 'Roofs', excerpt: unwanted });
    }
    for (const source of sources)
      await until(async () => {
        const [found] = await ofSource(backtalk, source);
        return found !== undefined && found.status !== 'received';
      });
    await set({ approveBelow: null });
    expect(await counts()).toEqual(before);
  });

  test.each<[string, object, Record<string, string>]>([
    ['a status', { status: 'approved', label: 'ham', decision: { action: 'approve' } }, {}],
    ['settings', { settings: { spamAbove: 1 }, engineDecides: true, shadow: false }, {}],
    ['an actor', { actor: 'ADMIN_TOKEN', forwarded: true, lessonId: 1, verdict: { outcome: 'approved' } }, {}],
    ['headers', {}, { 'x-actor': 'ADMIN_TOKEN', 'x-http-method-override': 'PATCH', 'x-forwarded-for': '127.0.0.1' }],
  ])('of visitors that send %s along teaches nothing', async (_, fields, headers) => {
    const before = await counts();
    for (const content of [wanted, unwanted]) {
      const body = JSON.stringify({ target: backtalk.post, author: { name: 'Ann' }, content, ...fields });
      const answer = await backtalk.request('POST', '/v1/comments', { token: null, headers, body });
      expect(answer.status).toBe(202);
      const { id } = answer.json;
      for (const path of [`/v1/submissions/${id}/approve`, '/v1/decisions', '/v1/check'])
        expect((await backtalk.request('POST', path, { token: null, headers, body })).status).toBe(401);
      expect((await backtalk.get(`/v1/submissions/${id}`)).history.map(({ actor }: Json) => actor)).not.toContain(
        'ADMIN_TOKEN',
      );
    }
    expect(await counts()).toEqual(before);
  });

  test('of forwarded comments and checks teaches nothing, and an engine may not decide unasked', async () => {
    const before = await counts();
    const { token } = await backtalk.send('/v1/tokens', { name: 'flooding engine', scope: 'submit' });
    for (const content of [wanted, unwanted]) {
      const body = JSON.stringify({ target: backtalk.post, author: { name: 'Ann' }, content, status: 'spam' });
      const { id } = (await backtalk.request('POST', '/v1/comments', { token, body })).json;
      await backtalk.request('POST', '/v1/check', { token, body });
      for (const action of ['approve', 'spam', 'reject', 'hold'])
        expect((await backtalk.request('POST', `/v1/submissions/${id}/${action}`, { token })).status).toBe(403);
    }
    expect(await counts()).toEqual(before);
  });
});

test('one decision does change the counts, or the tests above could not fail', async () => {
  const before = await counts();
  const { id } = await backtalk.comment({ content: unwanted });
  const { decision } = await backtalk.send(`/v1/submissions/${id}/approve`);
  expect(await counts()).not.toEqual(before);
  await backtalk.send(`/v1/decisions/${decision.id}/undo`);
  expect(await counts()).toEqual(before);
});
