import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pingCall, xmlRpc } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';
import { spun } from '../support/spun.ts';

let backtalk: TestService;
let first: { id: string; url: string };
let second: { id: string; url: string };
let bound: string;

beforeAll(async () => {
  backtalk = await startTestService();
  first = { id: (await backtalk.get('/v1/sites')).items[0].id, url: backtalk.web.url('blog.example') };
  const url = backtalk.web.url('second.example');
  second = { id: (await backtalk.send('/v1/sites', { bases: [url] })).id, url };
  // What policy would put aside is to stay with the rest.
  for (const { id } of [first, second])
    await backtalk.request('PATCH', `/v1/sites/${id}`, { body: JSON.stringify({ settings: { spamAbove: 1 } }) });
  bound = (await backtalk.send('/v1/tokens', { name: 'bound', scope: 'moderate', site: second.id })).token;
});
afterAll(() => backtalk.stop());

const lender = `{Hello|Hi|Dear} NAME, I {want|wish} to share my {testimony|story} about how I got a loan of NUMBER from a
  {trusted|reliable} lender at NUMBER interest. I was turned down by every bank because of my credit, and then a friend
  introduced me to NAME who {gave|granted} me the loan without any stress. Contact them at LINK`;
const caster = `My husband left me and our NUMBER children and I was {desperate|broken} until I found a {comment|post} about NAME,
  a spell caster who brings back lost lovers. Within NUMBER hours my husband {came back|returned} home crying. Write to LINK`;
const roofer = `{Need|Want} a new roof? NAME and team repair gutters, tiles and chimneys in your {city|town} within NUMBER days,
  call us for a free {quote|estimate} and mention this page for a discount: LINK`;
const trader = `I was {skeptical|doubtful} about trading until I met Mrs NAME. I started with NUMBER dollars and {got|received}
  NUMBER within seven days, she is the most {honest|genuine} broker I have worked with, {reach|contact} her through LINK`;
const breeder = `{Lovely|Healthy} puppies for adoption, two boys and a girl, vet checked and raised with children, they come with
  papers and NUMBER weeks of {insurance|cover}, ask NAME for {pictures|photos} at LINK`;

async function comment(content: string, { url } = first, post = 'bread', name = 'Ann'): Promise<Json> {
  return backtalk.comment({ target: `${url}${post}`, author: { name }, content });
}
const list = (search: string, token?: string) =>
  backtalk.get(`/v1/submissions?limit=200&${search}`, token ? { token } : {});
const read = (id: string): Promise<Json> => backtalk.get(`/v1/submissions/${id}`);
const codes = (reasons: Json): string[] => reasons.map(({ code }: Json) => code);
const told = (reasons: Json, code: string): string => reasons.find((reason: Json) => reason.code === code)?.detail;

describe('a campaign over many posts and two sites', () => {
  const ids: string[] = [];
  const ofSecond: string[] = [];

  beforeAll(async () => {
    const honest = [
      'My crust stays pale whatever I do, should I leave the steam out?',
      'I got a loan from my bank for the oven.',
    ];
    for (const content of honest) await comment(content);
    for (const [i, content] of spun(lender, 40).entries()) {
      const site = i % 4 === 3 ? second : first;
      const { id } = await comment(content, site, `post-${i % 10}`, `Name ${i}`);
      ids.push(id);
      if (site === second) ofSecond.push(id);
    }
    for (const content of honest) await comment(content.replace('the', 'my'), second);
  });

  test('is found from any of its members, and nothing else with it', async () => {
    for (const id of [ids[0], ids[17], ids[39]]) {
      const { items } = await list(`similarTo=${id}`);
      expect(items.map((item: Json) => item.id)).toEqual(ids);
      expect(items.map((item: Json) => item.similarCount)).toEqual(ids.map(() => 39));
    }
    expect((await read(ids[5] as string)).similarCount).toBe(39);
  });

  test('is listed with the other filters, and in pages', async () => {
    const { items, next } = await backtalk.get(`/v1/submissions?similarTo=${ids[0]}&site=${second.id}&limit=4`);
    expect(items.map((item: Json) => item.id)).toEqual(ofSecond.slice(0, 4));
    const page = await backtalk.get(`/v1/submissions?similarTo=${ids[0]}&site=${second.id}&limit=4&cursor=${next}`);
    expect(page.items.map((item: Json) => item.id)).toEqual(ofSecond.slice(4, 8));
  });

  test('is seen as far as a bound moderator can see', async () => {
    const { items } = await list(`similarTo=${ofSecond[0]}`, bound);
    expect(items.map((item: Json) => item.id)).toEqual(ofSecond);
    expect(items.map((item: Json) => item.similarCount)).toEqual(ofSecond.map(() => ofSecond.length - 1));
    const { status, json } = await backtalk.request('GET', `/v1/submissions?similarTo=${ids[0]}`, { token: bound });
    expect([status, json.error.code]).toEqual([404, 'moderate.not_found']);
    const filter = { similarTo: ids[0] };
    const body = JSON.stringify({ action: 'spam', filter, expect: 30 });
    expect((await backtalk.request('POST', '/v1/decisions', { body, token: bound })).status).toBe(404);
  });

  test('is taken by one decision', async () => {
    const filter = { similarTo: ids[3], status: 'held' };
    const missed = await backtalk.send('/v1/decisions', { action: 'spam', filter, expect: 39 });
    expect(missed.error).toMatchObject({ code: 'moderate.count_changed', details: { count: 40 } });
    const { results } = await backtalk.send('/v1/decisions', { action: 'spam', filter, expect: 40 });
    expect(results.map(({ id, ok, to }: Json) => [id, ok, to])).toEqual(ids.map((id) => [id, true, 'spam']));
    expect((await list('status=held&q=loan')).items).toHaveLength(2);
  });

  test('that comes in again is known for what it was', async () => {
    const [again = ''] = spun(lender, 41).slice(40);
    const { reasons } = await comment(again, second, 'post-99', 'Somebody');
    expect(told(reasons, 'copy_of_spam')).toMatch(
      `it says much the same as 40 others, 40 marked as spam; the oldest here is ${ofSecond[0]}`,
    );
    expect(codes(reasons)).not.toContain('repeated');
  });
});

describe('the verdict', () => {
  test('on a held copy on another site follows what is decided, and follows its undoing', async () => {
    const [a = '', b = ''] = spun(caster, 2);
    const there = (await comment(a, second)).id;
    const here = (await comment(b, first)).id;
    const { decision } = await backtalk.send(`/v1/submissions/${here}/spam`);
    const { verdict } = await until(async () => {
      const item = await read(there);
      return codes(item.verdict.reasons).includes('copy_of_spam') && item;
    });
    expect(told(verdict.reasons, 'copy_of_spam')).toMatch(/^it says much the same as 1 other, 1 marked as spam(?! ?;)/);
    expect(JSON.stringify(await backtalk.get(`/v1/submissions/${there}`, { token: bound }))).not.toContain(here);
    await backtalk.send(`/v1/decisions/${decision.id}/undo`);
    await until(async () => !codes((await read(there)).verdict.reasons).includes('copy_of_spam'));
  });

  test('says when a copy was approved', async () => {
    const [a = '', b = ''] = spun(roofer, 2);
    const { id } = await comment(a);
    await backtalk.send(`/v1/submissions/${id}/approve`);
    expect(told((await comment(b)).reasons, 'copy_of_approved')).toMatch('1 other, 1 approved');
  });

  test('says when the same has come in several times lately, of different authors or under different posts', async () => {
    const copies = spun(trader, 8);
    for (const content of copies.slice(0, 4)) await comment(content);
    expect(codes((await comment(copies[4] as string)).reasons)).not.toContain('repeated');
    await comment(copies[5] as string, first, 'oven');
    await comment(copies[6] as string, first, 'bread', 'Ben');
    expect(told((await comment(copies[7] as string)).reasons, 'repeated')).toMatch(
      '3 of the last 7 days not decided yet',
    );
    backtalk.advance(8 * 86_400_000);
    const { reasons } = await backtalk.send('/v1/check', {
      target: `${first.url}bread`,
      author: { name: 'Kim' },
      content: copies[0],
    });
    expect(codes(reasons)).not.toContain('repeated');
  });
});

test('copies that come in at the same time are one campaign', async () => {
  const answers = await Promise.all(spun(breeder, 12).map((content, i) => comment(content, first, `post-${i}`)));
  const { items } = await list(`similarTo=${answers[5].id}`);
  expect(items.map(({ id }: Json) => id).sort()).toEqual(answers.map(({ id }: Json) => id).sort());
});

test('short texts are no campaign, however often they come', async () => {
  const { id } = await comment('Thanks, great post!');
  await comment('Thanks, great post!', second);
  expect((await read(id)).similarCount).toBe(0);
  expect((await list(`similarTo=${id}`)).items.map((item: Json) => item.id)).toEqual([id]);
});

test('a comment that is only checked leaves no copy', async () => {
  const content = 'The windmill in our village grinds rye on Saturdays, and visitors may climb up to the cap.';
  const check = { target: `${first.url}mill`, author: { name: 'Ann' }, content };
  await backtalk.send('/v1/check', check);
  const { id } = await comment(content);
  expect((await read(id)).similarCount).toBe(0);
});

test.each([
  ['similarTo=nonsense', 400],
  ['similarTo=01900000-0000-7000-8000-000000000001', 404],
  ['similarTo=01900000-0000-7000-8000-000000000001&similarTo=01900000-0000-7000-8000-000000000002', 400],
])('a wrong filter is refused: %s', async (search, status) => {
  expect((await backtalk.request('GET', `/v1/submissions?${search}`)).status).toBe(status);
});

describe('pings', () => {
  const say = (host: string, text: string) =>
    backtalk.web.page(host, '/', `<title>News</title><p>${text} <a href="${first.url}bread">this</a></p>`);
  const ping = async (host: string) => {
    const source = backtalk.web.url(host);
    await xmlRpc(backtalk, pingCall(source, `${first.url}bread`));
    return source;
  };
  const held = (source: string): Promise<Json> =>
    until(async () => (await list(`q=${encodeURIComponent(source)}&status=held`)).items[0]);
  const idsLike = async (id: string) => (await list(`similarTo=${id}`)).items.map((item: Json) => item.id);
  const pitch =
    'We sell the finest oven gloves in town, made by hand from thick felt, and ship them anywhere within days: see';

  test('are copies once they are verified, until one says something else', async () => {
    const ids: string[] = [];
    for (const [host, place] of Object.entries({ one: 'town', two: 'Berlin', three: 'Ghent' })) {
      say(`${host}.example`, pitch.replace('town', place));
      ids.push((await held(await ping(`${host}.example`))).id);
    }
    expect(await idsLike(ids[2] as string)).toEqual(ids);

    say(
      'one.example',
      'Yesterday the first swallows of this spring flew over the harbour, a week earlier than last year, as told in',
    );
    await ping('one.example');
    await until(async () => (await read(ids[0] as string)).similarCount === 0);
    expect(await idsLike(ids[0] as string)).toEqual(ids.slice(0, 1));
    expect(await idsLike(ids[1] as string)).toEqual(ids.slice(1));
  });
});

test('copies of nothing are a mistake, not everything', async () => {
  expect((await backtalk.request('GET', '/v1/submissions?similarTo=')).status).toBe(400);
});
