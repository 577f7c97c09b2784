import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { figuresOf } from '../../src/judge/evaluation.ts';
import { ofSource, pingCall, xmlRpc } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';
import { decide, doubtful, loaf, type Message, newSite, type Site, unwanted, wanted } from '../support/site.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

const act = (id: string, action: string) => decide(backtalk, id, action);
const statsOf = async ({ id }: Site, query = '') => (await backtalk.get(`/v1/stats?site=${id}${query}`)).items[0];
const day = 86_400_000;

describe('the figures', () => {
  test('are those of the probabilities shown before the decisions, at 0.5 and at the threshold of the site', async () => {
    const site = await newSite(backtalk, { spamAbove: 0.8 });
    const judged: { probability: number; isSpam: boolean }[] = [];
    const all = [...wanted, ...doubtful, ...unwanted];
    for (const [index, { author, content }] of [...all, ...all].entries()) {
      const { id, probability } = await site.comment({ author, content: `${content} (${index})` });
      // Two of each, and a moderator who sees some of them otherwise than the model.
      const isSpam = index % 8 > 4 !== (index === 1 || index === 15);
      await act(id, isSpam ? 'spam' : 'approve');
      judged.push({ probability, isSpam });
    }
    const stats = await statsOf(site);
    expect(stats.decided).toEqual({
      ham: judged.filter(({ isSpam }) => !isSpam).length,
      spam: judged.filter(({ isSpam }) => isSpam).length,
      rejected: 0,
      unscored: 0,
    });
    for (const [index, threshold] of [0.5, 0.8].entries()) {
      const at = judged.map((row) => ({ ...row, calledSpam: row.probability >= threshold }));
      const { precision, recall, falsePositiveRate, ece, brier } = figuresOf(at);
      expect(stats.accuracy[index]).toEqual({ threshold, precision, recall, falsePositiveRate });
      expect(stats.ece).toBeCloseTo(ece ?? Number.NaN, 9);
      expect(stats.brier).toBeCloseTo(brier ?? Number.NaN, 9);
    }
    expect(stats.calibration).toHaveLength(10);
    for (const { from, to, count, probability, spam } of stats.calibration) {
      const rows = judged.filter((row) => row.probability >= from && row.probability < to);
      expect(count).toBe(rows.length);
      if (count === 0) expect([probability, spam]).toEqual([null, null]);
      else {
        expect(probability).toBeCloseTo(rows.reduce((sum, row) => sum + row.probability, 0) / count, 9);
        expect(spam).toBeCloseTo(rows.filter(({ isSpam }) => isSpam).length / count, 9);
      }
    }
  });

  test('of a site where nothing was decided are null, not perfect', async () => {
    const site = await newSite(backtalk);
    await site.comment(loaf(1));
    const stats = await statsOf(site);
    expect(stats).toMatchObject({ ece: null, brier: null, state: 'cold', decided: { ham: 0, spam: 0 } });
    expect(stats.accuracy).toEqual(
      [0.5, 0.9].map((threshold) => ({ threshold, precision: null, recall: null, falsePositiveRate: null })),
    );
  });

  test('count a submission once, under what its moderator thinks now, and nothing that was undone', async () => {
    const site = await newSite(backtalk);
    const { id, probability } = await site.comment(loaf(1));
    const decided = async () => (await statsOf(site)).decided;
    const none = { ham: 0, spam: 0, rejected: 0, unscored: 0 };
    await act(id, 'spam');
    await act(id, 'spam');
    expect(await decided()).toEqual({ ...none, spam: 1 });
    const { id: changed } = await act(id, 'approve');
    const { calibration, decided: now } = await statsOf(site);
    expect(now).toEqual({ ...none, ham: 1 });
    expect(calibration.filter(({ count }: Json) => count > 0)).toMatchObject([{ count: 1, probability, spam: 0 }]);
    await act(id, 'reject');
    expect(await decided()).toEqual({ ...none, rejected: 1 });
    await act(id, 'hold');
    expect(await decided()).toEqual(none);
    const { id: last } = await act(id, 'approve');
    await backtalk.send(`/v1/decisions/${changed}/undo`);
    expect(await decided()).toEqual({ ...none, ham: 1 });
    await backtalk.send(`/v1/decisions/${last}/undo`);
    expect(await decided()).toEqual(none);
  });

  test('use no score that has seen the answer: of what is judged again after a decision, the score before it', async () => {
    const site = await newSite(backtalk);
    const source = backtalk.web.url('erin.example', '/loaf');
    backtalk.web.page('erin.example', '/loaf', `<title>Zithers</title><p>Zithers <a href="${site.post}">here</a>.</p>`);
    await xmlRpc(backtalk, pingCall(source, site.post));
    const before = await until(async () => {
      const [item] = await ofSource(backtalk, source);
      return item?.status === 'held' && item;
    });
    await act(before.id, 'approve');
    await xmlRpc(backtalk, pingCall(source, site.post));
    await until(async () => (await backtalk.get(`/v1/submissions/${before.id}`)).probability !== before.probability);
    await act(before.id, 'spam');
    const scored = (await statsOf(site)).calibration.filter(({ count }: Json) => count > 0);
    expect(scored).toMatchObject([{ count: 1, probability: before.probability, spam: 1 }]);
  });

  test('say how often policy was overruled', async () => {
    const site = await newSite(backtalk, { spamAbove: 0.5, approveBelow: 0.49 });
    const came = async ([one, other]: Message[]) =>
      [await site.comment(one as Message), await site.comment(other as Message)] as const;
    const [good, alsoGood] = await came(wanted);
    const [bad, alsoBad] = await came(unwanted);
    expect([good, alsoGood, bad, alsoBad].map(({ status }) => status)).toEqual([
      'approved',
      'approved',
      'spam',
      'spam',
    ]);
    expect((await statsOf(site)).decided).toMatchObject({ ham: 0, spam: 0 });
    await act(good.id, 'spam');
    await act(alsoGood.id, 'approve');
    await act(bad.id, 'approve');
    await act(alsoBad.id, 'spam');
    expect((await statsOf(site)).policy).toEqual({
      spam: { total: 2, wrong: 1 },
      approved: { total: 2, wrong: 1 },
      held: { spam: 0, ham: 0 },
    });
  });

  test('take for policy what it would have done where it only watched', async () => {
    const site = await newSite(backtalk);
    const { id, status } = await site.comment(loaf(1));
    expect(status).toBe('held');
    await backtalk.database.db.execute(
      sql`update submissions set verdict = verdict || '{"wouldBe":"spam"}' where id = ${id}`,
    );
    await act(id, 'approve');
    expect((await statsOf(site)).policy.spam).toEqual({ total: 1, wrong: 1 });
  });

  test('begin at `since`, which lies at most a year back', async () => {
    const site = await newSite(backtalk);
    await act((await site.comment(loaf(1))).id, 'approve');
    backtalk.advance(10 * day);
    await act((await site.comment(loaf(2))).id, 'approve');
    const { at } = (await backtalk.get('/v1/decisions?limit=1')).items[0];
    const ago = (days: number) => `&since=${new Date(Date.parse(at) - days * day).toISOString()}`;
    expect((await statsOf(site, ago(5))).decided.ham).toBe(1);
    expect((await statsOf(site, ago(20))).decided.ham).toBe(2);
    expect((await statsOf(site)).decided.ham).toBe(2);
    const tooOld = await backtalk.request('GET', `/v1/stats?limit=1${ago(400)}`);
    expect([tooOld.status, tooOld.json.error.code]).toEqual([400, 'moderate.bad_input']);
    expect(tooOld.json.error.message).toContain('since');
  });
});

describe('how far a site is', () => {
  test('is cold below ten decisions of either label, warming below a hundred, and warm from there', async () => {
    const site = await newSite(backtalk);
    const decided: Record<string, string[]> = { approve: [], spam: [] };
    const grow = async (action: string, count: number) => {
      const ids = await Promise.all(Array.from({ length: count }, async (_, n) => (await site.comment(loaf(n))).id));
      await backtalk.send('/v1/decisions', { action, ids });
      decided[action]?.push(...ids);
      return statsOf(site);
    };
    expect((await grow('approve', 10)).state).toBe('cold');
    expect(await grow('spam', 9)).toMatchObject({ state: 'cold', model: { ham: 10, spam: 9, n: 2 } });
    expect(await grow('spam', 1)).toMatchObject({ state: 'warming', model: { ham: 10, spam: 10, n: 3 } });
    await grow('approve', 90);
    expect(await grow('spam', 90)).toMatchObject({ state: 'warm', model: { ham: 100, spam: 100, n: 5, epoch: 0 } });
    await act(decided.spam?.[0] as string, 'hold');
    expect(await statsOf(site)).toMatchObject({ state: 'warming', model: { ham: 100, spam: 99, n: 6 } });
  }, 120_000);

  test('is told by counts of each status, the length of the queue and how long its oldest waits', async () => {
    const site = await newSite(backtalk);
    const ids = [];
    for (const n of [1, 2, 3, 4]) {
      ids.push((await site.comment(loaf(n))).id);
      backtalk.advance(60_000);
    }
    await act(ids[0] as string, 'approve');
    await act(ids[3] as string, 'reject');
    const { counts, queue } = await statsOf(site);
    expect(counts).toEqual({
      received: 0,
      held: 2,
      approved: 1,
      rejected: 1,
      spam: 0,
      invalid: 0,
      removed: 0,
      erased: 0,
    });
    expect(queue).toMatchObject({
      length: 2,
      oldestAt: (await backtalk.get(`/v1/submissions/${ids[1]}`)).receivedAt,
    });
    expect(queue.oldestSeconds).toBeGreaterThanOrEqual(180);
    expect(queue.oldestSeconds).toBeLessThan(1_000);
  });
});

test('sites come by pages, and a token bound to one sees that one', async () => {
  const [first, second] = [await newSite(backtalk), await newSite(backtalk)];
  const seen: string[] = [];
  let next: string | null = null;
  do {
    const page: Json = await backtalk.get(`/v1/stats?limit=2${next === null ? '' : `&cursor=${next}`}`);
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ site }: Json) => site));
    next = page.next;
  } while (next !== null);
  expect(seen).toEqual((await backtalk.get('/v1/sites')).items.map(({ id }: Json) => id));

  const { token } = await backtalk.send('/v1/tokens', { name: 'bound', scope: 'moderate', site: first.id });
  const own = await backtalk.get('/v1/stats', { token });
  expect(own.items.map(({ site }: Json) => site)).toEqual([first.id]);
  const other = await backtalk.request('GET', `/v1/stats?site=${second.id}`, { token });
  expect([other.status, other.json.error.code]).toEqual([403, 'auth.forbidden']);
});

test.each([
  'since=yesterday',
  'since=2026-02-30T00:00:00Z',
  'since=0000-01-01T00:00:00Z',
  'site=1',
  'limit=0',
  'sight=x',
])('refuses %s', async (query) => {
  const answer = await backtalk.request('GET', `/v1/stats?${query}`);
  expect([answer.status, answer.json.error.code]).toEqual([400, 'moderate.bad_input']);
  expect(answer.json.error.message).toContain(query.split('=')[0] as string);
});
