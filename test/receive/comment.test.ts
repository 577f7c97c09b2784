import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkingPage, methodCall, ofSource, pingCall, trackBack, xmlRpc } from '../support/doors.ts';
import {
  adminToken,
  type Json,
  type RequestOptions,
  startTestService,
  type TestService,
  until,
} from '../support/service.ts';

let backtalk: TestService;
let origin: string;
beforeAll(async () => {
  backtalk = await startTestService();
  origin = new URL(backtalk.post).origin;
});
afterAll(() => backtalk.stop());

const bodyOf = (fields: Record<string, unknown> = {}) => ({
  target: backtalk.post,
  author: { name: 'Ann' },
  content: 'A loaf like this needs a hotter oven.',
  ...fields,
});
/** Sends a comment as the engine does, with its token. */
const forward = (fields?: Record<string, unknown>, options: RequestOptions = {}) =>
  backtalk.request('POST', '/v1/comments', { body: JSON.stringify(bodyOf(fields)), ...options });
/** Sends a comment as a visitor's browser does. */
const visit = (fields?: Record<string, unknown>, headers: Record<string, string> = {}) =>
  backtalk.request('POST', '/v1/comments', {
    body: JSON.stringify(bodyOf(fields)),
    headers: { 'content-type': 'application/json', ...headers },
    token: null,
  });
/** Sends a form as a page of the blog does. */
const submit = (fields: Record<string, string>, headers: Record<string, string> = {}, service = backtalk) =>
  service.request('POST', '/v1/comments', {
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    token: null,
  });
const formOf = (fields: Record<string, string> = {}) => ({
  target: backtalk.post,
  author: 'Ann',
  comment: 'A good loaf.',
  ...fields,
});
const stored = (id: string) => backtalk.get(`/v1/submissions/${id}`);
const newest = async () => (await backtalk.get('/v1/submissions?sort=newest&limit=1')).items[0];
const spam = {
  author: { name: 'Cheap viagra casino', url: 'http://casino-pills.example/' },
  content:
    'Buy cheap viagra online casino bonus poker free pills http://casino-pills.example/ http://casino-pills.example/buy click here',
};

describe('an engine that forwards a comment', () => {
  test('gets 201 with id, status, probability and reasons', async () => {
    const answer = await forward();
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({
      id: expect.any(String),
      status: 'held',
      probability: expect.any(Number),
      reasons: expect.any(Array),
    });
    expect(answer.json.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test('is believed in every field', async () => {
    const { id } = (
      await forward({
        author: { name: ' Ann ', email: 'ann@example.org', url: 'ann.example.org/blog' },
        content: 'Two lines\r\nof text. ',
        ref: 'believed-1',
        ip: '203.0.113.9',
        userAgent: 'Mozilla/5.0',
        submittedAt: '2024-05-01T12:00:00+02:00',
      })
    ).json;
    expect(await stored(id)).toMatchObject({
      kind: 'comment',
      source: null,
      target: backtalk.post,
      author: { name: 'Ann', email: 'ann@example.org', url: 'http://ann.example.org/blog' },
      content: 'Two lines\nof text.',
      ref: 'believed-1',
      parent: null,
    });
    await backtalk.send(`/v1/submissions/${id}/approve`);
    const { items } = await backtalk.get(`/v1/published?target=${encodeURIComponent(backtalk.post)}`);
    expect(items.find((item: Json) => item.id === id).publishedAt).toBe('2024-05-01T10:00:00.000Z');
  });

  test('learns that the comment is spam', async () => {
    const { status, probability, reasons } = (await forward(spam)).json;
    expect(status).toBe('spam');
    expect(probability).toBeGreaterThanOrEqual(0.9);
    expect(reasons.length).toBeGreaterThan(0);
  });

  test('gets the stored comment, 200, when it repeats a ref', async () => {
    const first = await forward({ ref: 'repeat-1' });
    const again = await forward({ ref: 'repeat-1', content: 'Other words.' });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.json).toEqual(first.json);
    expect((await stored(first.json.id)).content).toBe('A loaf like this needs a hotter oven.');
  });

  test('gets one comment for a ref that it sends ten times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => forward({ ref: 'at-once' })));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(9).fill(200), 201]);
  });

  test('may send the same comment twice without a ref', async () => {
    expect((await forward()).json.id).not.toBe((await forward()).json.id);
  });

  test('names a parent by our id or by its own', async () => {
    const { id } = (await forward({ ref: 'parent-1' })).json;
    for (const parent of [id, id.toUpperCase(), 'ref:parent-1']) {
      const reply = (await forward({ parent })).json;
      expect((await stored(reply.id)).parent).toBe(id);
    }
  });

  test('loses a parent that is unknown or under another target, not the comment', async () => {
    const elsewhere = backtalk.web.url('blog.example', '/other-post');
    const { id } = (await forward({ ref: 'parent-2', target: elsewhere })).json;
    for (const parent of [
      id,
      'ref:parent-2',
      'ref:unknown',
      'ref:',
      '17',
      '01900000-0000-7000-8000-000000000000',
      'ref:\u0000',
      '-'.repeat(36),
    ]) {
      const answer = await forward({ parent });
      expect([parent, answer.status]).toEqual([parent, 201]);
      expect((await stored(answer.json.id)).parent).toBeNull();
    }
  });

  test('is believed what it says of the post, against which the comment is held', async () => {
    const content = 'The sourdough starter rises slowly in a cold kitchen before baking.';
    const text = 'How a sourdough starter rises in a cold kitchen, and when the baking begins. '.repeat(5);
    const relevance = async (id: string) =>
      (await stored(id)).verdict.groups.find(({ group }: Json) => group === 'relevance')?.weight ?? 0;
    const on = (await forward({ target: `${origin}/believed-on`, content, post: { title: 'Sourdough', text } })).json;
    const off = (
      await forward({
        target: `${origin}/believed-off`,
        content,
        post: { title: 'Tax law', text: 'Deductions for freelancers under the new income tax regulation. '.repeat(5) },
      })
    ).json;
    expect(await relevance(on.id)).toBeLessThan(await relevance(off.id));
  });

  test('may leave out or null what it does not know', async () => {
    const unknown = { parent: null, ref: null, ip: null, userAgent: null, submittedAt: null, post: null };
    const answer = await forward({ ...unknown, author: { name: 'Ann', email: null, url: null } });
    expect(answer.status).toBe(201);
    expect(
      (await forward({ ...unknown, author: { name: 'Ann', email: '', url: ' ' }, ip: '', ref: '', post: {} })).status,
    ).toBe(201);
    expect((await stored(answer.json.id)).author).toEqual({ name: 'Ann', email: null, url: null });
  });

  test('sees unknown fields ignored', async () => {
    const answer = await forward({
      colour: 'blue',
      status: 'approved',
      probability: 0,
      id: 'x',
      author: { name: 'Ann', admin: true },
    });
    expect([answer.status, answer.json.status]).toEqual([201, 'held']);
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'mailto:ann@example.org',
    'http://user:pw@host.example/',
    'not a host',
  ])('has the author page %j left out, and the comment taken', async (url) => {
    const { id } = (await forward({ author: { name: 'Ann', url } })).json;
    expect((await stored(id)).author.url).toBeNull();
  });

  test.each<[string, Record<string, unknown>]>([
    ['target', { target: 'nonsense' }],
    ['target', { target: undefined }],
    ['target', { target: 'ftp://blog.example/' }],
    ['target', { target: `http://blog.example/${'a'.repeat(2_000)}` }],
    ['author', { author: undefined }],
    ['author', { author: 'Ann' }],
    ['author.name', { author: {} }],
    ['author.name', { author: { name: ' \u0000 ' } }],
    ['author.name', { author: { name: 'a'.repeat(201) } }],
    ['author.email', { author: { name: 'Ann', email: 'not an address' } }],
    ['author.email', { author: { name: 'Ann', email: 17 } }],
    ['content', { content: '' }],
    ['content', { content: ['x'] }],
    ['content', { content: 'x'.repeat(20_001) }],
    ['parent', { parent: 'x'.repeat(300) }],
    ['ref', { ref: 'x'.repeat(201) }],
    ['ip', { ip: 'home' }],
    ['ip', { ip: '203.0.113.999' }],
    ['userAgent', { userAgent: 'x'.repeat(1_001) }],
    ['submittedAt', { submittedAt: 'yesterday' }],
    ['submittedAt', { submittedAt: '2024-02-30T00:00:00Z' }],
    ['submittedAt', { submittedAt: '0000-01-01T00:00:00Z' }],
    ['submittedAt', { submittedAt: '9999-12-31T23:59:59-23:00' }],
    ['post', { post: 'text' }],
    ['post.text', { post: { text: 1 } }],
  ])('is told which field is wrong: %s', async (field, fields) => {
    const { status, json } = await forward(fields);
    expect(status).toBe(400);
    expect(json.error.code).toBe('receive.bad_input');
    expect(json.error.message).toMatch(new RegExp(`^${field.replace('.', '\\.')}: `));
    expect(json.error.details[0].field).toBe(field);
  });

  test('is told the limit that a comment is over', async () => {
    expect((await forward({ content: 'x'.repeat(20_000) })).status).toBe(201);
    const { json } = await forward({ content: 'x'.repeat(20_001) });
    expect(json.error.message).toContain('20000 characters');
  });

  test.each(['http://elsewhere.example/', 'http://blog.example/', 'http://blog.example.evil.example/'])(
    'gets 422 for a target under no site: %s',
    async (target) => {
      const { status, json } = await forward({ target });
      expect([status, json.error.code]).toEqual([422, 'receive.unknown_target']);
    },
  );

  test('gets 422 for a post that is closed or gone', async () => {
    for (const state of ['closed', 'gone']) {
      const url = `${origin}/comments-${state}`;
      await backtalk.send('/v1/targets', { url, state });
      const { status, json } = await forward({ target: url });
      expect([status, json.error.code]).toEqual([422, `receive.${state}_target`]);
    }
  });

  test('with a token of another site gets 403', async () => {
    const { items } = await backtalk.get('/v1/sites');
    const other = await backtalk.send('/v1/sites', { name: 'Other', bases: ['http://other.example/'] });
    const tokens: string[] = [];
    for (const site of [items[0].id, other.id]) {
      const answer = await backtalk.send('/v1/tokens', { name: `submit ${site}`, scope: 'submit', site });
      tokens.push(answer.token);
    }
    expect((await forward({}, { token: tokens[0] as string })).status).toBe(201);
    const { status, json } = await forward({}, { token: tokens[1] as string });
    expect([status, json.error.code]).toEqual([403, 'auth.forbidden']);
  });
});

describe('the check door', () => {
  test('judges a comment and stores nothing', async () => {
    const before = (await newest()).id;
    const answer = await backtalk.request('POST', '/v1/check', { body: JSON.stringify(bodyOf(spam)) });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ outcome: 'spam', probability: expect.any(Number), reasons: expect.any(Array) });
    expect((await newest()).id).toBe(before);
  });

  test('needs a token', async () => {
    expect((await backtalk.request('POST', '/v1/check', { body: JSON.stringify(bodyOf()), token: null })).status).toBe(
      401,
    );
  });
});

describe('a visitor', () => {
  test('gets 202 with id and status, and nothing that tells how the comment was judged', async () => {
    const answer = await visit();
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({ id: expect.any(String), status: 'held' });
  });

  test('reads held where the comment is spam', async () => {
    const { status, json } = await visit(spam);
    expect([status, json.status]).toEqual([202, 'held']);
    expect((await stored(json.id)).status).toBe('spam');
  });

  test('is not believed in ref, ip, userAgent, submittedAt and post, whatever they are', async () => {
    const { id } = (await forward({ ref: 'engines-own' })).json;
    const first = await visit({
      ref: 'engines-own',
      ip: 'nonsense',
      userAgent: 17,
      submittedAt: 'yesterday',
      post: 'text',
    });
    expect(first.status).toBe(202);
    expect(first.json.id).not.toBe(id);
    expect((await stored(first.json.id)).ref).toBeNull();
    const second = await visit({ submittedAt: '2001-01-01T00:00:00Z' });
    await backtalk.send(`/v1/submissions/${second.json.id}/approve`);
    const { items } = await backtalk.get(`/v1/published?target=${encodeURIComponent(backtalk.post)}`);
    expect(items.find((item: Json) => item.id === second.json.id).publishedAt).not.toMatch(/^2001/);
  });

  test('may answer to another comment', async () => {
    const { id } = (await forward()).json;
    expect((await stored((await visit({ parent: id })).json.id)).parent).toBe(id);
  });

  test.each<[string, () => string | undefined, number]>([
    ['of the blog', () => origin, 202],
    ['of no page, from a program', () => undefined, 202],
    ['of another site', () => 'https://evil.example', 403],
    ['of the same host at another port', () => 'http://blog.example:1', 403],
    ['of the same host by another scheme', () => origin.replace('http:', 'https:'), 403],
    ['of a host that only begins alike', () => `${origin}.evil.example`, 403],
    ['that is null', () => 'null', 403],
    ['that is nonsense', () => '<script>', 403],
  ])('with an origin %s', async (_name, from, expected) => {
    const sent = from();
    const { status, headers, text } = await visit({}, sent === undefined ? {} : { origin: sent });
    expect(status).toBe(expected);
    expect(headers.get('access-control-allow-origin')).toBe(status === 202 && sent !== undefined ? sent : null);
    if (status === 403) expect(JSON.parse(text).error.code).toBe('auth.foreign_origin');
  });

  test('of one blog may not comment on another from there', async () => {
    await backtalk.send('/v1/sites', { name: 'Third', bases: ['http://third.example/'] });
    const { status, json } = await visit({}, { origin: 'http://third.example' });
    expect([status, json.error.code]).toEqual([403, 'auth.foreign_origin']);
  });

  test("may read on the blog's page what was wrong", async () => {
    for (const fields of [{ content: '' }, { target: 'http://elsewhere.example/' }, { author: 1 }]) {
      const { status, headers } = await visit(fields, { origin });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('vary')).toBe('Origin');
    }
  });

  test.each(['Bearer wrong', 'Bearer ', 'Basic abc', `Bearer ${adminToken}x`, adminToken])(
    'is not what somebody with the bad token %j is taken for',
    async (authorization) => {
      const { status, json, headers } = await visit({}, { authorization });
      expect([status, json.error.code]).toEqual([401, 'auth.bad_token']);
      expect(headers.get('www-authenticate')).toBe('Bearer');
    },
  );

  test("'s browser asks before it sends JSON: 204 for a page of the blog, 403 for others", async () => {
    const ask = (from?: string) =>
      backtalk.request('OPTIONS', '/v1/comments', {
        headers: {
          ...(from && { origin: from }),
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
        },
        token: null,
      });
    const allowed = await ask(origin);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(origin);
    expect(allowed.headers.get('access-control-allow-methods')).toContain('POST');
    expect(allowed.headers.get('access-control-allow-headers')).toMatch(/content-type/i);
    for (const from of ['https://evil.example', undefined]) {
      const refused = await ask(from);
      expect(refused.status).toBe(403);
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe("a form with WordPress's field names", () => {
  test('is answered by the way back to the page', async () => {
    const { id } = (await forward()).json;
    const answer = await submit(
      formOf({
        email: 'ann@example.org',
        url: 'https://ann.example.org',
        comment: 'From a form\r\nwith two lines',
        comment_parent: id,
        comment_post_ID: '7',
        submit: 'Post',
      }),
      { origin },
    );
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(backtalk.post);
    expect(await newest()).toMatchObject({
      kind: 'comment',
      author: { name: 'Ann', email: 'ann@example.org', url: 'https://ann.example.org/' },
      content: 'From a form\nwith two lines',
      parent: id,
    });
  });

  test('has no parent where comment_parent is 0', async () => {
    expect((await submit(formOf({ comment_parent: '0' }))).status).toBe(303);
    expect((await newest()).parent).toBeNull();
  });

  test('is read in its charset', async () => {
    const body = `target=${encodeURIComponent(backtalk.post)}&author=Ren%E9&comment=caf%E9`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=iso-8859-1' };
    expect((await backtalk.request('POST', '/v1/comments', { body, headers, token: null })).status).toBe(303);
    expect(await newest()).toMatchObject({ author: { name: 'René' }, content: 'café' });
  });

  test('looks the same to a spammer', async () => {
    const answer = await submit(formOf({ author: spam.author.name, url: spam.author.url, comment: spam.content }));
    expect(answer.status).toBe(303);
    expect(await newest()).toMatchObject({ status: 'spam' });
  });

  test.each<[string, number, Record<string, string>, Record<string, string>]>([
    ['without a name', 400, { author: '' }, {}],
    ['without a comment', 400, { comment: ' ' }, {}],
    ['with a bad e-mail address', 400, { email: 'ann' }, {}],
    ['for a post of no site', 422, { target: 'http://elsewhere.example/' }, {}],
    ['without a target', 400, { target: '' }, {}],
    ['from a page of another site', 403, {}, { origin: 'https://evil.example' }],
    [
      'in a charset that is not known',
      400,
      {},
      { 'content-type': 'application/x-www-form-urlencoded; charset=x-none' },
    ],
    ['with a bad token', 401, {}, { authorization: 'Bearer wrong' }],
  ])('%s gets a page that says so', async (_name, expected, fields, headers) => {
    const { status, headers: got, text } = await submit(formOf(fields), headers);
    expect(status).toBe(expected);
    expect(got.get('content-type')).toMatch(/^text\/html/);
    expect(text).toMatch(/^<!doctype html>/);
    expect(text).toContain('Your comment was not accepted');
  });

  test('gets a page on which what was sent is escaped', async () => {
    const { text } = await submit(formOf(), { origin: 'https://<script>alert(1)</script>' });
    expect(text).not.toContain('<script>');
  });
});

describe('a body that is too long', () => {
  /** Sends a body in pieces, without a Content-Length unless it is given, and answers as soon as there is an answer. */
  function sendPieces(
    path: string,
    pieces: number,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const request = httpRequest(backtalk.url + path, { method: 'POST', headers, agent: false }, (response) => {
        isAnswered = true;
        let text = '';
        response.setEncoding('utf8').on('data', (data) => {
          text += data;
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, text });
          request.destroy();
        });
      });
      // The server may close the connection at which nobody listens any more.
      request.on('error', (error) => (isAnswered ? undefined : reject(error)));
      const write = (left: number) => {
        if (isAnswered || request.destroyed) return;
        if (left === 0) return void request.end();
        request.write(Buffer.alloc(8_192, 0x20), () => setImmediate(write, left - 1));
      };
      write(pieces);
    });
  }

  test.each(['/v1/comments', '/xmlrpc', '/trackback'])(
    'is refused by its Content-Length, before it is read: %s',
    async (path) => {
      const { status, text } = await sendPieces(path, 1, { 'content-length': '100000' });
      expect(status).toBe(413);
      expect(text).toContain('65536');
    },
  );

  test.each(['/v1/comments', '/xmlrpc', '/trackback'])(
    'is refused where it has no Content-Length, as soon as it is too long: %s',
    async (path) => {
      const { status, text } = await sendPieces(path, 1_000);
      expect(status).toBe(413);
      expect(text).toContain('65536');
    },
  );

  test('has a code in JSON, and a page for a form', async () => {
    const { status, json } = await visit({ filler: 'x'.repeat(70_000) });
    expect([status, json.error.code, json.error.details]).toEqual([413, 'http.too_large', { maxBytes: 65_536 }]);
    const form = await submit(formOf({ comment: 'x'.repeat(70_000) }));
    expect([form.status, form.text]).toEqual([413, expect.stringContaining('not accepted')]);
  });

  test('is as long as MAX_BODY_BYTES allows, with a token as long as MAX_TRUSTED_BODY_BYTES allows', async () => {
    const filler = (length: number) => 'x'.repeat(length - JSON.stringify(bodyOf({ filler: '' })).length);
    expect((await visit({ filler: filler(65_536) })).status).toBe(202);
    expect((await visit({ filler: filler(65_537) })).status).toBe(413);
    expect((await forward({ filler: filler(1_000_000) })).status).toBe(201);
    expect((await forward({ filler: filler(1_000_001) })).status).toBe(413);
  });
});

describe('with RATE_PER_MINUTE at 3', () => {
  const services: TestService[] = [];
  const start = async (settings: Record<string, string> = {}) => {
    const service = await startTestService({ RATE_PER_MINUTE: '3', ...settings });
    services.push(service);
    return service;
  };
  afterAll(async () => {
    for (const service of services) await service.stop();
  });
  const comment = (service: TestService, headers: Record<string, string> = {}, token: string | null = null) =>
    service.request('POST', '/v1/comments', {
      body: JSON.stringify({ target: service.post, author: { name: 'Ann' }, content: 'A good loaf.' }),
      headers,
      token,
    });

  test('the fourth request is answered 429, at every door in its own way, and tokens are exempt', async () => {
    const service = await start();
    const { origin: page } = new URL(service.post);
    for (let i = 0; i < 3; i++) expect((await comment(service)).status).toBe(202);
    const { status, headers, json } = await comment(service, { origin: page });
    expect([status, json.error.code]).toEqual([429, 'http.rate_limited']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(headers.get('access-control-allow-origin')).toBe(page);

    const form = await submit({ target: service.post, author: 'Ann', comment: 'A loaf' }, {}, service);
    expect([form.status, form.text]).toEqual([429, expect.stringContaining('too many requests')]);
    expect(form.headers.get('retry-after')).not.toBeNull();

    const ping = await xmlRpc(service, pingCall(linkingPage(service, '/limited'), service.post));
    expect([ping.status, ping.fault?.code]).toEqual([200, 49]);
    expect((await xmlRpc(service, methodCall('system.listMethods'))).fault?.code).toBe(49);
    const trackback = await trackBack(service, { url: linkingPage(service, '/limited') });
    expect([trackback.status, trackback.error]).toEqual([200, 1]);
    expect(trackback.text).toContain('too many requests');
    expect(await ofSource(service, service.web.url('alice.example', '/limited'))).toEqual([]);

    expect((await comment(service, {}, adminToken)).status).toBe(201);
    expect((await comment(service, { authorization: 'Bearer wrong' })).status).toBe(429);
  });

  test('guessing tokens takes turns', async () => {
    const service = await start();
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await comment(service, { authorization: `Bearer guess-${i}` })).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
  });

  test('a multicall takes a turn for each of its calls', async () => {
    const service = await start();
    const value = (text: string) => `<value><string>${text}</string></value>`;
    const entry = (source: string) =>
      `<value><struct><member><name>methodName</name>${value('pingback.ping')}</member><member><name>params</name><value><array><data>${value(source)}${value(service.post)}</data></array></value></member></struct></value>`;
    const sources = [1, 2, 3, 4, 5].map((n) => linkingPage(service, `/multi-${n}`));
    const body = methodCall(
      'system.multicall',
      `<param><value><array><data>${sources.map(entry).join('')}</data></array></value></param>`,
    );
    const { text } = await xmlRpc(service, body);
    expect(text.match(/registered/g)).toHaveLength(3);
    expect(text.match(/<int>49<\/int>/g)).toHaveLength(2);
  });

  test('X-Forwarded-For is not believed of just anybody', async () => {
    const service = await start();
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await comment(service, { 'x-forwarded-for': `203.0.113.${i}` })).status);
    expect(statuses).toEqual([202, 202, 202, 429]);
  });

  test('a proxy of TRUST_PROXY is believed in the last address that is not its own', async () => {
    const service = await start({ TRUST_PROXY: '127.0.0.0/8,10.0.0.0/8' });
    const from = async (forwarded: string) => (await comment(service, { 'x-forwarded-for': forwarded })).status;
    for (let i = 0; i < 3; i++) expect(await from(`198.51.100.${i}, 203.0.113.7`)).toBe(202);
    // What the client wrote before itself counts for nothing, and proxies of ours behind it do not hide it.
    expect(await from('192.0.2.1, 203.0.113.7, 10.1.2.3')).toBe(429);
    expect(await from('203.0.113.8')).toBe(202);
    // In IPv6 one person holds a /64.
    for (let i = 1; i <= 3; i++) expect(await from(`2001:db8::${i}`)).toBe(202);
    expect(await from('2001:db8::ffff')).toBe(429);
    expect(await from('2001:db8:0:1::1')).toBe(202);
  });

  test('the page that is fetched is told the address that the proxy tells', async () => {
    const service = await start({ TRUST_PROXY: '127.0.0.0/8' });
    const seen: (string | string[] | undefined)[] = [];
    service.web.page('alice.example', '/told', (request, response) => {
      seen.push(request.headers['x-pingback-forwarded-for']);
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>x</title>');
    });
    await xmlRpc(service, pingCall(service.web.url('alice.example', '/told'), service.post), {
      'x-forwarded-for': '203.0.113.5',
    });
    await until(() => seen.length > 0);
    expect(seen[0]).toBe('203.0.113.5');
  });
});

describe('a form that a person filled in', () => {
  test('is told in words what is missing', async () => {
    const fields: Record<string, string> = formOf();
    delete fields.author;
    const { status, text } = await submit(fields);
    expect(status).toBe(400);
    expect(text).toContain('Your name: is missing');
  });

  test('and sent in parts is told how to send it, on a page', async () => {
    const form = new FormData();
    for (const [name, value] of Object.entries(formOf())) form.set(name, value);
    const answer = await fetch(`${backtalk.url}/v1/comments`, { method: 'POST', body: form });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([415, expect.stringContaining('text/html')]);
    expect(await answer.text()).toContain('application/x-www-form-urlencoded');
  });

  test('without anything to see in the name has no name', async () => {
    expect((await submit(formOf({ author: '\u200b' }))).text).toContain('Your name: must not be empty');
  });
});
