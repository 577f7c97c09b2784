import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getTarget } from '../../src/db/targets.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

const hour = 3_600_000;
const garlic =
  'Garlic wants a cold winter. Plant the cloves in October, a hand apart and two thumbs deep. A pot of thirty ' +
  'centimetres holds six cloves; water them little until the first green shows in March.';
const onTopic = 'Six cloves in a pot of thirty centimetres did well here, but I water in March already.';
const offTopic =
  'Our workshop replaces the gearbox of every motorcycle. Ask for a bearing at http://gearbox.example/ today, spare ' +
  'parts are sent within two days.';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

const url = (path: string) => backtalk.web.url('blog.example', path);
const page = (path: string, answer: string | ((request: IncomingMessage, response: ServerResponse) => void)) =>
  backtalk.web.page('blog.example', path, answer);
const article = (text: string, title = 'Garlic') => `<title>${title}</title><article><p>${text}</p></article>`;
const visits = (path: string) => backtalk.web.visits('blog.example', path);

/** What is stored of a post. */
async function stored(path: string) {
  const { id } = await backtalk.send('/v1/targets', { url: url(path) });
  const target = await getTarget(backtalk.database.db, id);
  if (target === null) throw new Error('no such target');
  return target;
}

/** The post as soon as nothing more is due. */
const settled = (path: string) =>
  until(async () => {
    const target = await stored(path);
    return target.dueAt === null && target;
  });

const comment = async (path: string, content = onTopic): Promise<Json> =>
  backtalk.get(`/v1/submissions/${(await backtalk.comment({ target: url(path), content })).id}`);
const judgedAt = async (id: string): Promise<string> => (await backtalk.get(`/v1/submissions/${id}`)).verdict.judgedAt;

/** Waits until something that became outdated now has been judged again, and with it all that was outdated before. */
async function allJudged(path: string): Promise<void> {
  const { id, verdict } = await comment(path, `Another one. ${onTopic}`);
  backtalk.advance(1_000);
  await backtalk.send('/v1/targets', { url: url(path), text: `A new text ${verdict.judgedAt}` });
  await until(async () => (await judgedAt(id)) !== verdict.judgedAt);
}

describe('the page of a post', () => {
  test('is read once, and again when a response comes in a day later', async () => {
    page('/garlic-once', article(garlic));
    await comment('/garlic-once');
    const first = await settled('/garlic-once');
    expect(first).toMatchObject({ title: 'Garlic', text: garlic });

    backtalk.advance(23 * hour);
    await comment('/garlic-once', `${onTopic} Again.`);
    expect((await stored('/garlic-once')).dueAt).toBeNull();
    page('/garlic-once', article('Onions do not mind a wet summer.', 'Onions'));
    backtalk.advance(2 * hour);
    await comment('/garlic-once', `${onTopic} Once more.`);
    expect(await settled('/garlic-once')).toMatchObject({ title: 'Onions', text: 'Onions do not mind a wet summer.' });
    expect(visits('/garlic-once')).toBe(2);
  });

  test('is asked for by what its server gave to tell a change, and kept where nothing has changed', async () => {
    const asked: (string | undefined)[][] = [];
    page('/garlic-conditional', ({ headers }, response) => {
      asked.push([headers['if-none-match'], headers['if-modified-since']]);
      const tags = { etag: '"a1"', 'last-modified': 'Sat, 12 Oct 2024 08:30:00 GMT' };
      if (headers['if-none-match'] === '"a1"') return void response.writeHead(304, tags).end();
      response.writeHead(200, { 'content-type': 'text/html', ...tags }).end(article(garlic));
    });
    await comment('/garlic-conditional');
    const first = await settled('/garlic-conditional');
    backtalk.advance(25 * hour);
    await comment('/garlic-conditional', `${onTopic} Again.`);
    const second = await settled('/garlic-conditional');
    expect(asked).toEqual([
      [undefined, undefined],
      ['"a1"', 'Sat, 12 Oct 2024 08:30:00 GMT'],
    ]);
    expect(second).toMatchObject({ title: 'Garlic', text: garlic, attempts: 0 });
    expect(second.fetchedAt?.getTime()).toBeGreaterThan((first.fetchedAt?.getTime() ?? 0) + 24 * hour);
    // It has been read now: nothing is due for another day.
    await comment('/garlic-conditional', `${onTopic} Once more.`);
    expect((await stored('/garlic-conditional')).dueAt).toBeNull();
  });

  test('that says something else has what is held below it judged again; one that says the same has not', async () => {
    page('/garlic-says', article(garlic));
    page('/onions-says', article('Onions do not mind a wet summer.'));
    await settled('/garlic-says');
    await settled('/onions-says');
    const [garlicComment, onionComment] = [await comment('/garlic-says'), await comment('/onions-says')];
    page('/garlic-says', `${article(garlic)}<aside>Today's news</aside><ol class="comments"><li>first!</ol>`);
    page('/onions-says', article(garlic));
    backtalk.advance(25 * hour);
    await comment('/garlic-says', `${onTopic} Again.`);
    await comment('/onions-says', `${onTopic} Again.`);
    await settled('/garlic-says');
    await settled('/onions-says');
    const again = await until(async () => {
      const now = await backtalk.get(`/v1/submissions/${onionComment.id}`);
      return now.verdict.judgedAt !== onionComment.verdict.judgedAt && now;
    });
    expect(again.probability).toBeLessThan(onionComment.probability);
    await allJudged('/other');
    expect(await judgedAt(garlicComment.id)).toBe(garlicComment.verdict.judgedAt);
    expect(visits('/garlic-says')).toBe(2);
  });

  test.each([404, 500])('keeps its text where it answers %i later, and rests until the next day', async (status) => {
    const path = `/garlic-${status}`;
    page(path, article(garlic));
    await settled(path);
    page(path, (_, response) => void response.writeHead(status, { 'content-type': 'text/html' }).end('<p>oops'));
    backtalk.advance(25 * hour);
    await comment(path);
    expect(await settled(path)).toMatchObject({ title: 'Garlic', text: garlic, state: 'open' });
    expect(visits(path)).toBe(1 + 3);
    await comment(path, `${onTopic} Again.`);
    expect((await stored(path)).dueAt).toBeNull();
    backtalk.advance(25 * hour);
    await comment(path, `${onTopic} Once more.`);
    await until(() => visits(path) > 4);
  });

  test('keeps its text where it holds none later', async () => {
    page('/garlic-empty', article(garlic));
    await settled('/garlic-empty');
    page('/garlic-empty', '<title>Please enable scripts</title><script>load()</script>');
    backtalk.advance(25 * hour);
    await comment('/garlic-empty');
    expect(await settled('/garlic-empty')).toMatchObject({ text: garlic });
  });

  test('that is gone later takes nothing more', async () => {
    page('/garlic-gone', article(garlic));
    await settled('/garlic-gone');
    page('/garlic-gone', (_, response) => void response.writeHead(410).end());
    backtalk.advance(25 * hour);
    await comment('/garlic-gone');
    expect(await settled('/garlic-gone')).toMatchObject({ state: 'gone', text: garlic });
    expect((await backtalk.comment({ target: url('/garlic-gone') })).error.code).toBe('receive.gone_target');
  });

  test('is not read again once the engine has told the text, which takes its place', async () => {
    page('/garlic-told', article(garlic));
    await settled('/garlic-told');
    await backtalk.send('/v1/targets', { url: url('/garlic-told'), text: 'As the engine has it.' });
    backtalk.advance(25 * hour);
    await comment('/garlic-told');
    expect(await stored('/garlic-told')).toMatchObject({ title: 'Garlic', text: 'As the engine has it.', dueAt: null });
  });

  test('tells when the post was published, if that can be', async () => {
    const published = async (path: string, time: string) => {
      page(path, `<meta property="article:published_time" content="${time}">${article(garlic)}`);
      return (await settled(path)).publishedAt?.toISOString() ?? null;
    };
    expect(await published('/one', '2024-10-12T10:30:00+02:00')).toBe('2024-10-12T08:30:00.000Z');
    expect(await published('/two', '1970-01-01T00:00:00Z')).toBeNull();
    expect(await published('/three', '2999-01-01T00:00:00Z')).toBeNull();
  });
});

test('TARGET_REFETCH_HOURS=0 never reads a page again', async () => {
  const never = await startTestService({ TARGET_REFETCH_HOURS: '0' });
  const target = never.web.url('blog.example', '/garlic-published');
  never.web.page('blog.example', '/garlic-published', article(garlic));
  const read = async () => never.send('/v1/targets', { url: target });
  await until(async () => (await read()).title === 'Garlic');
  never.advance(10_000 * hour);
  await never.comment({ target });
  expect((await getTarget(never.database.db, (await read()).id))?.dueAt).toBeNull();
  await never.stop();
});

describe('off-topic', () => {
  const check = (path: string, content: string, post?: object) =>
    backtalk.send('/v1/check', { target: url(path), author: { name: 'Zoe' }, content, ...(post && { post }) });
  const codes = ({ reasons }: Json) => reasons.map(({ code }: Json) => code);

  test('is measured by the text that is sent along, registered or fetched, whichever there is', async () => {
    await backtalk.send('/v1/targets', { url: url('/registered'), title: 'Garlic', text: garlic });
    page('/fetched', article(garlic));
    await settled('/fetched');
    const withText = {
      sent: (content: string) => check('/unknown', content, { title: 'Garlic', text: garlic }),
      registered: (content: string) => check('/registered', content),
      fetched: (content: string) => check('/fetched', content),
    };
    const [onWithout, offWithout] = [await check('/unknown', onTopic), await check('/unknown', offTopic)];
    expect([...codes(onWithout), ...codes(offWithout)].filter((code) => code.includes('topic'))).toEqual([]);
    for (const [way, ask] of Object.entries(withText)) {
      const [on, off] = [await ask(onTopic), await ask(offTopic)];
      expect(on.probability, way).toBeLessThan(onWithout.probability);
      expect(off.probability, way).toBeGreaterThan(offWithout.probability);
      expect(codes(on), way).toContain('on_topic');
      expect(codes(off), way).toContain('off_topic');
    }
  });

  test('is not what published spam below the post is about', async () => {
    page(
      '/garlic-spam',
      `${article(garlic)}<ol class="comment-list"><li class="comment">${`${offTopic} `.repeat(20)}</li></ol>`,
    );
    await settled('/garlic-spam');
    expect(codes(await check('/garlic-spam', offTopic))).toContain('off_topic');
  });

  test('is not what has been approved below the post', async () => {
    await backtalk.send('/v1/targets', { url: url('/garlic-thread'), title: 'Garlic', text: garlic });
    const held = await comment(
      '/garlic-thread',
      'Does vermiculite keep voles away, or only chicken wire below the bed?',
    );
    const relevance = ({ verdict }: Json) =>
      verdict.groups.find(({ group }: Json) => group === 'relevance').weight as number;
    const asked = await comment(
      '/garlic-thread',
      'Voles eat my garlic. Chicken wire below the bed keeps voles away, vermiculite does not.',
    );
    await backtalk.send(`/v1/submissions/${asked.id}/approve`);
    backtalk.advance(31_000);
    const after = await until(async () => {
      const now = await backtalk.get(`/v1/submissions/${held.id}`);
      return now.verdict.judgedAt !== held.verdict.judgedAt && now;
    });
    expect(relevance(after)).toBeLessThan(relevance(held));
    expect(after.verdict.reasons.find(({ code }: Json) => code === 'off_topic')).toBeUndefined();
  });
});
