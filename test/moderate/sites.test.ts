import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

const send = (method: string, path: string, body: object) =>
  backtalk.request(method, path, { body: JSON.stringify(body) });
const create = (body: object) => send('POST', '/v1/sites', body);
const patch = (id: string, body: object) => send('PATCH', `/v1/sites/${id}`, body);
/** Which site a comment under this URL goes to; null if to none. */
async function siteAt(target: string): Promise<string | null> {
  const answer = await backtalk.comment({ target });
  return answer.id === undefined ? null : (await backtalk.get(`/v1/submissions/${answer.id}`)).site;
}

const byDefault = {
  spamAbove: 0.9,
  approveBelow: null,
  shadow: false,
  trustAfterApproved: null,
  holdAfterDays: null,
  closeAfterDays: null,
  engineDecides: false,
};

describe('a site', () => {
  test('is created, read, listed and changed', async () => {
    const made = await create({ name: ' The <blog> ', bases: ['https://made.example/'] });
    expect(made.status).toBe(201);
    expect(made.json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'The <blog>',
      bases: ['https://made.example/'],
      settings: byDefault,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    const { id } = made.json;
    expect(await backtalk.get(`/v1/sites/${id}`)).toEqual(made.json);
    expect((await backtalk.get('/v1/sites')).items).toContainEqual(made.json);

    const changed = await patch(id, { name: 'Renamed', settings: { spamAbove: 0.8 } });
    expect(changed.json).toEqual({ ...made.json, name: 'Renamed', settings: { ...byDefault, spamAbove: 0.8 } });
    const all = {
      spamAbove: 0.8,
      approveBelow: 0.2,
      shadow: true,
      trustAfterApproved: 3,
      holdAfterDays: 14,
      closeAfterDays: 90,
      engineDecides: true,
    };
    const { spamAbove: _, ...rest } = all;
    expect((await patch(id, { settings: rest })).json.settings).toEqual(all);
    const { spamAbove: __, ...off } = byDefault;
    expect((await patch(id, { settings: off })).json.settings).toEqual({ ...off, spamAbove: 0.8 });
    expect((await patch(id, {})).json).toEqual(changed.json);
  });

  test('is called by its host unless it has a name', async () => {
    expect((await create({ bases: ['https://Nameless.example:8443/blog?x#y'] })).json).toMatchObject({
      name: 'nameless.example:8443',
      bases: ['https://nameless.example:8443/blog'],
    });
  });

  test('loses neither of two settings that are changed at the same time', async () => {
    const { id } = (await create({ bases: ['https://both.example/'] })).json;
    for (let round = 1; round <= 5; round++) {
      const settings = { spamAbove: 0.5 + round / 10, approveBelow: round / 20 };
      await Promise.all([
        patch(id, { settings: { spamAbove: settings.spamAbove } }),
        patch(id, { settings: { approveBelow: settings.approveBelow } }),
      ]);
      expect((await backtalk.get(`/v1/sites/${id}`)).settings).toMatchObject(settings);
    }
  });

  test('cannot have thresholds that meet, together or one after the other', async () => {
    const met = { spamAbove: 0.5, approveBelow: 0.5 };
    const refused = await create({ bases: ['https://met.example/'], settings: met });
    expect([refused.status, refused.json.error.code]).toEqual([400, 'moderate.bad_input']);
    const { id } = (await create({ bases: ['https://met.example/'], settings: { spamAbove: 0.5 } })).json;
    const changed = await patch(id, { name: 'Met', settings: { approveBelow: 0.5 } });
    expect(changed.json.error).toMatchObject({
      code: 'moderate.bad_input',
      message: expect.stringMatching(/^settings\.approveBelow: /),
    });
    expect(await backtalk.get(`/v1/sites/${id}`)).toMatchObject({ name: 'met.example', settings: { spamAbove: 0.5 } });
    expect((await patch(id, { settings: { approveBelow: 0.49 } })).status).toBe(200);
  });

  test('cannot have a base that another has, however it is written, and nothing of the change is kept', async () => {
    const first = (await create({ bases: ['https://taken.example/blog'] })).json;
    for (const base of [
      'https://taken.example/blog',
      'http://taken.example/blog/',
      'https://TAKEN.example:443/blog?x',
    ]) {
      const again = await create({ bases: ['https://free.example/', base] });
      expect([again.status, again.json.error.code]).toEqual([409, 'moderate.taken']);
    }
    const second = (await create({ bases: ['https://free.example/'] })).json;
    const changed = await patch(second.id, { name: 'Thief', bases: ['https://taken.example/blog'] });
    expect([changed.status, changed.json.error.code]).toEqual([409, 'moderate.taken']);
    expect(await backtalk.get(`/v1/sites/${second.id}`)).toEqual(second);
    expect(await backtalk.get(`/v1/sites/${first.id}`)).toEqual(first);
    // Another path of the same host is another base.
    expect((await create({ bases: ['https://taken.example/blog2'] })).status).toBe(201);
  });

  test('may have several bases, of which the same written twice is one', async () => {
    const twice = ['https://many.example/', 'http://www.many.example/', 'https://many.example'];
    const { id, bases } = (await create({ bases: twice })).json;
    expect(bases.sort()).toEqual(['http://www.many.example/', 'https://many.example/']);
    for (const target of ['https://many.example/post', 'http://www.many.example/post', 'http://many.example/other'])
      expect(await siteAt(target)).toBe(id);
    expect(await siteAt('https://blog.many.example/post')).toBeNull();
    expect(await siteAt('https://many.example:8443/post')).toBeNull();

    await patch(id, { bases: ['https://moved.example/'] });
    expect(await siteAt('https://many.example/post')).toBeNull();
    expect(await siteAt('https://moved.example/post')).toBe(id);
  });

  test('with the longest base wins, by whole segments', async () => {
    const [whole, part, deep] = await Promise.all(
      ['https://nested.example/', 'https://nested.example/blog', 'https://nested.example/blog/de/'].map(
        async (base) => (await create({ bases: [base] })).json.id as string,
      ),
    );
    expect(await siteAt('https://nested.example/')).toBe(whole);
    expect(await siteAt('https://nested.example/blogroll')).toBe(whole);
    expect(await siteAt('https://nested.example/Blog/post')).toBe(whole);
    expect(await siteAt('https://nested.example/blog')).toBe(part);
    expect(await siteAt('http://nested.example/blog/post')).toBe(part);
    expect(await siteAt('https://nested.example/blog/den')).toBe(part);
    expect(await siteAt('https://nested.example/blog/de?p=1')).toBe(deep);
    expect(await siteAt('https://nested.example/blog/x/../de/post')).toBe(deep);
  });

  test.each<[string, Json]>([
    ['no bases', {}],
    ['an empty list of bases', { bases: [] }],
    ['too many bases', { bases: Array.from({ length: 21 }, (_, index) => `https://b${index}.example/`) }],
    ['a base that is no web address', { bases: ['ftp://wrong.example/'] }],
    ['a base with a password', { bases: ['https://me:secret@wrong.example/'] }],
    ['an empty name', { bases: ['https://wrong.example/'], name: ' ' }],
    ['a name that is too long', { bases: ['https://wrong.example/'], name: 'x'.repeat(201) }],
    ['an unknown field', { bases: ['https://wrong.example/'], nmae: 'x' }],
    ['an unknown setting', { bases: ['https://wrong.example/'], settings: { spamabove: 0.9 } }],
    ['spamAbove too low', { bases: ['https://wrong.example/'], settings: { spamAbove: 0.49 } }],
    ['spamAbove too high', { bases: ['https://wrong.example/'], settings: { spamAbove: 1.01 } }],
    ['spamAbove of nothing', { bases: ['https://wrong.example/'], settings: { spamAbove: null } }],
    ['spamAbove in words', { bases: ['https://wrong.example/'], settings: { spamAbove: '0.9' } }],
    ['approveBelow too low', { bases: ['https://wrong.example/'], settings: { approveBelow: -0.01 } }],
    ['shadow in words', { bases: ['https://wrong.example/'], settings: { shadow: 'true' } }],
    ['engineDecides of nothing', { bases: ['https://wrong.example/'], settings: { engineDecides: null } }],
    ['trust without an approval', { bases: ['https://wrong.example/'], settings: { trustAfterApproved: 0 } }],
    ['half an approval', { bases: ['https://wrong.example/'], settings: { trustAfterApproved: 1.5 } }],
    ['posts held before they are out', { bases: ['https://wrong.example/'], settings: { holdAfterDays: 0 } }],
    ['posts closed after a century', { bases: ['https://wrong.example/'], settings: { closeAfterDays: 36_501 } }],
    ['approveBelow too high', { bases: ['https://wrong.example/'], settings: { approveBelow: 0.51 } }],
  ])('with %s is refused', async (_, body) => {
    const answer = await create(body);
    expect([answer.status, answer.json.error.code]).toEqual([400, 'moderate.bad_input']);
    expect((await backtalk.request('GET', '/v1/sites')).text).not.toContain('wrong.example');
  });

  test('that is unknown is not found', async () => {
    for (const id of ['01890000-0000-7000-8000-000000000000', 'blog']) {
      expect((await backtalk.request('GET', `/v1/sites/${id}`)).json.error.code).toBe('moderate.not_found');
      expect((await patch(id, { name: 'x' })).json.error.code).toBe('moderate.not_found');
    }
  });
});

describe('policy', () => {
  test('publishes nothing unseen by default, and with approveBelow what is clearly wanted, at once', async () => {
    const { id: site } = (await create({ bases: ['https://policy.example/'] })).json;
    const clear = {
      target: 'https://policy.example/post',
      author: { name: 'Ann' },
      content: 'Thanks, the crust came out well.',
    };
    const before = await backtalk.comment(clear);
    expect(before.status).toBe('held');
    expect(before.probability).toBeLessThan(0.5);

    await patch(site, { settings: { approveBelow: 0.5 } });
    const { id, status, reasons } = await backtalk.comment(clear);
    expect(status).toBe('approved');
    expect(reasons.map(({ code }: Json) => code)).toContain('below_approve_threshold');
    const published = await backtalk.get(`/v1/published?target=${clear.target}`);
    expect(published.items.map((item: Json) => item.id)).toEqual([id]);

    const { history } = await backtalk.get(`/v1/submissions/${id}`);
    expect(history.map(({ to, actor }: Json) => [to, actor])).toEqual([
      ['held', 'comment'],
      ['approved', 'policy'],
    ]);
    await backtalk.send(`/v1/decisions/${history[1].decision}/undo`);
    expect((await backtalk.get(`/v1/submissions/${id}`)).status).toBe('held');
    expect((await backtalk.get(`/v1/published?target=${clear.target}`)).count).toBe(0);
  });

  test('puts aside what is as likely spam as the site says, and teaches nothing by it', async () => {
    const { id: site } = (await create({ bases: ['https://strict.example/'] })).json;
    const comment = {
      target: 'https://strict.example/post',
      author: { name: 'Win' },
      content: 'Casino bonus viagra http://win.example/',
    };
    for (let count = 0; count < 5; count++) {
      const { id } = await backtalk.comment(comment);
      await backtalk.send(`/v1/submissions/${id}/spam`);
    }
    await patch(site, { settings: { spamAbove: 0.5 } });
    const before = await backtalk.send('/v1/check', comment);
    const stored = await backtalk.comment(comment);
    expect(stored.status).toBe('spam');
    expect(stored.probability).toBe(before.probability);
    expect(stored.reasons.map(({ code }: Json) => code)).toContain('above_spam_threshold');
    expect(await backtalk.send('/v1/check', comment)).toEqual(before);
    expect((await backtalk.get('/v1/submissions?status=spam&limit=200')).items.map(({ id }: Json) => id)).toContain(
      stored.id,
    );
  });
});

describe('a target', () => {
  const url = (path: string) => backtalk.web.url('blog.example', path);
  const describeTarget = (body: object) => send('POST', '/v1/targets', body);
  const pingback = async (source: string, target: string) => {
    const body = `<?xml version="1.0"?><methodCall><methodName>pingback.ping</methodName><params>
      <param><value>${source}</value></param><param><value>${target}</value></param></params></methodCall>`;
    return (await backtalk.request('POST', '/xmlrpc', { body, token: null })).text;
  };

  test('is registered by its URL, described, listed and read', async () => {
    const first = await describeTarget({ url: `${url('/told')}/#top` });
    expect(first.status).toBe(200);
    expect(first.json).toMatchObject({ url: `${url('/told')}/`, state: 'open', title: null, registered: false });
    expect(first.json.publishedAt).toBeNull();
    const told = await describeTarget({ url: url('/told'), title: 'Told', text: 'By the engine.' });
    expect(told.json).toMatchObject({ id: first.json.id, title: 'Told', registered: true });
    expect(await backtalk.get(`/v1/targets/${first.json.id}`)).toEqual(told.json);
    expect((await send('PATCH', `/v1/targets/${first.json.id}`, { title: 'Told again' })).json.title).toBe(
      'Told again',
    );
    expect((await send('PATCH', `/v1/targets/${first.json.id}`, {})).json.title).toBe('Told again');

    const published = await send('PATCH', `/v1/targets/${first.json.id}`, { publishedAt: '2026-11-01T10:00:00+01:00' });
    expect(published.json.publishedAt).toBe('2026-11-01T09:00:00.000Z');

    for (const path of ['/told-2', '/told-3', '/told-4']) await describeTarget({ url: url(path) });
    const listed: Json[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { items, next }: Json = await backtalk.get(`/v1/targets?limit=2&cursor=${cursor}`);
      expect(items.length).toBeLessThanOrEqual(2);
      listed.push(...items);
      cursor = next;
    }
    const whole = (await backtalk.get('/v1/targets?limit=200')).items;
    expect(listed.map(({ id }) => id)).toEqual(whole.map(({ id }: Json) => id));
  });

  test('that was described keeps its words whatever its page says', async () => {
    backtalk.web.page('blog.example', '/page', '<title>The page</title><p>Its own words</p>');
    const before = (await describeTarget({ url: url('/page') })).json;
    const fetched = await until(async () => {
      const found = await backtalk.get(`/v1/targets/${before.id}`);
      return found.title !== null && found;
    });
    expect(fetched).toMatchObject({ title: 'The page', registered: false });
    const described = (await describeTarget({ url: url('/page'), title: 'The engine' })).json;
    expect(described).toMatchObject({ title: 'The engine', registered: true });
    await backtalk.comment({ target: url('/page'), post: { title: 'The comment' } });
    expect((await backtalk.get(`/v1/targets/${before.id}`)).title).toBe('The comment');
  });

  test('that is closed takes neither comments nor pings, also when its page is read afterwards, until it is opened', async () => {
    backtalk.web.page('blog.example', '/closing', '<title>Closing</title><p>Words</p>');
    const { id } = (await describeTarget({ url: url('/closing'), state: 'closed' })).json;
    const closed = await until(async () => {
      const found = await backtalk.get(`/v1/targets/${id}`);
      return found.title !== null && found;
    });
    expect(closed.state).toBe('closed');
    const body = { target: `${url('/closing')}/`, author: { name: 'Ann' }, content: 'A loaf' };
    const refused = await send('POST', '/v1/comments', body);
    expect([refused.status, refused.json.error.code]).toEqual([422, 'receive.closed_target']);
    expect(await pingback(url('/some-source'), url('/closing'))).toContain('<int>33</int>');

    await send('PATCH', `/v1/targets/${id}`, { state: 'open' });
    expect((await send('POST', '/v1/comments', body)).status).toBe(201);
    expect(await pingback(url('/some-source'), url('/closing'))).toContain('registered');
  });

  test('that is gone is said to be gone', async () => {
    const { id } = (await describeTarget({ url: url('/going') })).json;
    await send('PATCH', `/v1/targets/${id}`, { state: 'gone' });
    const body = { target: url('/going'), author: { name: 'Ann' }, content: 'A loaf' };
    const refused = await send('POST', '/v1/comments', body);
    expect([refused.status, refused.json.error.code]).toEqual([422, 'receive.gone_target']);
    expect(await pingback(url('/some-source'), url('/going'))).toContain('<int>32</int>');
  });

  test('is refused outside every site, without a URL and with unknown fields', async () => {
    const outside = await describeTarget({ url: 'https://outside.example/' });
    expect([outside.status, outside.json.error.code]).toEqual([422, 'receive.unknown_target']);
    for (const body of [
      {},
      { url: 'blog' },
      { url: url('/x'), state: 'shut' },
      { url: url('/x'), publishedAt: 'today' },
      { url: url('/x'), txt: 'x' },
    ])
      expect((await describeTarget(body)).json.error.code).toBe('moderate.bad_input');
    for (const query of ['limit=0', 'limit=201', 'after=1', 'site=1', 'sight=1', 'limit=1&limit=2'])
      expect((await backtalk.request('GET', `/v1/targets?${query}`)).json.error.code).toBe('moderate.bad_input');
    for (const id of ['01890000-0000-7000-8000-000000000000', 'x'])
      expect((await backtalk.request('GET', `/v1/targets/${id}`)).json.error.code).toBe('moderate.not_found');
  });
});
