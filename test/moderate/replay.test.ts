import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ofSource, trackBack } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';
import { decide, doubtful, loaf, newSite, type Site, unwanted, wanted } from '../support/site.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

const replay = ({ id }: Pick<Site, 'id'>, query = '') => backtalk.get(`/v1/sites/${id}/replay?${query}`);

interface Made {
  id: string;
  status: string;
  probability: number;
  action: string;
}

/** A site with decisions for and against the model, and some rejected. */
async function decidedSite(settings: object): Promise<{ site: Site; made: Made[] }> {
  const site = await newSite(backtalk, settings);
  const made: Made[] = [];
  // No two alike: a decision on the one would have the other judged again before its own.
  for (const [index, { author, content }] of [...wanted, ...doubtful, ...unwanted].entries()) {
    const { id, status, probability } = await site.comment({ author, content: `${content} (${index})` });
    const action = ['approve', 'spam', 'reject'][index % 3] as string;
    made.push({ id, status, probability, action });
  }
  for (const { id, action } of made) await decide(backtalk, id, action);
  return { site, made };
}

/** What thresholds make of it, counted here. */
function expected(made: Made[], spamAbove: number, approveBelow: number) {
  const would = ({ probability }: Made) =>
    probability >= spamAbove ? 'spam' : probability < approveBelow ? 'approved' : 'held';
  const count = (outcome: string, ...actions: string[]) =>
    made.filter((row) => would(row) === outcome && actions.includes(row.action)).length;
  return {
    decided: made.filter(({ action }) => action !== 'reject').length,
    spam: { total: count('spam', 'approve', 'spam'), wrong: count('spam', 'approve') },
    approved: { total: count('approved', 'approve', 'spam'), wrong: count('approved', 'spam') },
    held: { total: count('held', 'approve', 'spam'), spam: count('held', 'spam'), ham: count('held', 'approve') },
    rejected: { spam: count('spam', 'reject'), approved: count('approved', 'reject'), held: count('held', 'reject') },
    unscored: 0,
  };
}

describe('replaying', () => {
  test('counts what the thresholds would have done, beside what those of the site would, and rejected apart', async () => {
    const { site, made } = await decidedSite({ spamAbove: 0.6, approveBelow: null });
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set(['held', 'spam']));
    for (const [spamAbove, approveBelow] of [
      [0.5, 0.5],
      [0.8, 0.1],
      [1, 0],
    ] as const) {
      const answer = await replay(site, `spamAbove=${spamAbove}&approveBelow=${approveBelow}`);
      expect(answer).toMatchObject({ spamAbove, approveBelow, ...expected(made, spamAbove, approveBelow) });
      expect(answer.current).toEqual({ spamAbove: 0.6, approveBelow: null, ...expected(made, 0.6, 0) });
    }
    const { current, since, wrong, ...own } = await replay(site);
    expect(own).toEqual(current);
    expect(since).toMatch(/Z$/);
    expect(wrong).toHaveLength(current.spam.wrong);
    // What the site did then is what its thresholds do now.
    const putAside = made.filter(({ status, action }) => status === 'spam' && action !== 'reject');
    expect(current.spam.total).toBe(putAside.length);
  });

  test('lists what would have gone wrong, the surest errors first, up to the limit', async () => {
    const { site, made } = await decidedSite({});
    const errors = made
      .filter(({ probability, action }) =>
        action === 'spam' ? probability < 0.5 : action === 'approve' && probability >= 0.5,
      )
      .map((row) => ({ ...row, sureness: row.action === 'spam' ? 1 - row.probability : row.probability }))
      .sort((a, b) => b.sureness - a.sureness);
    expect(new Set(errors.map(({ action }) => action)).size).toBe(2);
    const { wrong } = await replay(site, 'spamAbove=0.5&approveBelow=0.5');
    expect(wrong.map(({ id }: Json) => id)).toEqual(errors.map(({ id }) => id));
    for (const [index, { probability, action }] of errors.entries()) {
      const [label, would] = action === 'spam' ? ['spam', 'approved'] : ['ham', 'spam'];
      expect(wrong[index]).toMatchObject({ probability, label, would, site: site.id, target: site.post });
    }
    const few = await replay(site, 'spamAbove=0.5&approveBelow=0.5&limit=2');
    expect(few.wrong).toEqual(wrong.slice(0, 2));
    expect(few.spam).toEqual((await replay(site, 'spamAbove=0.5&approveBelow=0.5')).spam);
  });

  test('approves no TrackBack whose source does not link back', async () => {
    const site = await newSite(backtalk);
    const source = backtalk.web.url('frank.example', '/no-link');
    backtalk.web.page('frank.example', '/no-link', '<title>Bread</title><p>About flour, water and a hot oven.</p>');
    const excerpt = 'I tried the loaf with rye flour and a hotter oven, and the crust came out just right.';
    const path = `/trackback?target=${encodeURIComponent(site.post)}`;
    await trackBack(backtalk, { url: source, title: 'On bread', excerpt, blog_name: 'Frank bakes' }, { path });
    const { id, probability } = await until(async () => {
      const [item] = await ofSource(backtalk, source);
      return item !== undefined && item.status !== 'received' && item;
    });
    const comment = await site.comment(loaf(1));
    expect(Math.max(probability, comment.probability)).toBeLessThan(0.5);
    for (const each of [id, comment.id]) await decide(backtalk, each, 'approve');
    expect(await replay(site, 'approveBelow=0.5')).toMatchObject({
      approved: { total: 1, wrong: 0 },
      held: { total: 1, ham: 1 },
    });
  });

  test('leaves out what is undone, and what was decided before `since`', async () => {
    const site = await newSite(backtalk);
    const [old, young] = [await site.comment(loaf(1)), await site.comment(loaf(2))];
    await decide(backtalk, old.id, 'approve');
    backtalk.advance(86_400_000);
    const { id, at } = await decide(backtalk, young.id, 'approve');
    expect((await replay(site)).decided).toBe(2);
    expect((await replay(site, `since=${at}`)).decided).toBe(1);
    await backtalk.send(`/v1/decisions/${id}/undo`);
    expect((await replay(site, `since=${at}`)).decided).toBe(0);
  });

  test('is for the moderators of the site', async () => {
    const [site, other] = [await newSite(backtalk), await newSite(backtalk)];
    const { token } = await backtalk.send('/v1/tokens', { name: 'of one', scope: 'moderate', site: site.id });
    expect((await backtalk.request('GET', `/v1/sites/${site.id}/replay`, { token })).status).toBe(200);
    expect((await backtalk.request('GET', `/v1/sites/${other.id}/replay`, { token })).status).toBe(403);
    const unknown = await backtalk.request('GET', '/v1/sites/01890000-0000-7000-8000-000000000000/replay');
    expect(unknown.json.error.code).toBe('moderate.not_found');
  });

  test.each([
    'spamAbove=2',
    'spamAbove=0.4',
    'spamAbove=much',
    'approveBelow=0.6',
    'approveBelow=-1',
    'approveBelow=NaN',
    'limit=201',
    'limit=0',
    'since=2000-01-01T00:00:00Z',
    'since=soon',
    'spamabove=0.9',
  ])('refuses %s', async (query) => {
    const site = await newSite(backtalk);
    const answer = await backtalk.request('GET', `/v1/sites/${site.id}/replay?${query}`);
    expect([answer.status, answer.json.error.code]).toEqual([400, 'moderate.bad_input']);
    expect(answer.json.error.message).toContain(query.split('=')[0] as string);
  });
});
