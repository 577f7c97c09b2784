import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
let posts = 0;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

/** A post of its own for each test. */
function newPost(): string {
  posts += 1;
  return backtalk.web.url('blog.example', `/post-${posts}`);
}
const read = (target: string) =>
  backtalk.request('GET', `/v1/published?target=${encodeURIComponent(target)}`, { token: null });
const decide = (id: string, action: string) => backtalk.send(`/v1/submissions/${id}/${action}`);
async function approved(fields: Json): Promise<string> {
  const { id } = await backtalk.comment(fields);
  await decide(id, 'approve');
  return id;
}
/** Ids as they are nested. */
const shape = (items: Json[]): Json[] => items.map(({ id, replies }) => (replies.length ? [id, shape(replies)] : id));

describe('what is published', () => {
  test('is what is approved, and nothing else, in the order in which it came', async () => {
    const target = newPost();
    const ids = [];
    for (let count = 0; count < 5; count++) ids.push((await backtalk.comment({ target })).id);
    expect((await read(target)).json).toEqual({ target, count: 0, items: [] });
    await decide(ids[0], 'reject');
    await decide(ids[1], 'spam');
    await decide(ids[4], 'approve');
    await decide(ids[2], 'approve');
    await decide(ids[3], 'hold');
    const { json } = await read(target);
    expect(json.count).toBe(2);
    expect(shape(json.items)).toEqual([ids[2], ids[4]]);

    await decide(ids[2], 'hold');
    expect(shape((await read(target)).json.items)).toEqual([ids[4]]);
  });

  test('has exactly the fields of the interface', async () => {
    const target = newPost();
    const author = { name: 'Ann & <Co>', email: 'ann@example.org', url: 'ann.example/me' };
    const submittedAt = '2026-01-02T03:04:05+01:00';
    const id = await approved({ target, author, content: 'One\n\nTwo', submittedAt });
    expect((await read(target)).json.items).toEqual([
      {
        id,
        kind: 'comment',
        author: { name: 'Ann & <Co>', url: 'http://ann.example/me' },
        title: null,
        html: '<p>One</p><p>Two</p>',
        source: null,
        publishedAt: '2026-01-02T02:04:05.000Z',
        replies: [],
      },
    ]);
  });

  test('tells nobody an e-mail address, an IP address, a user agent or a verdict', async () => {
    const target = newPost();
    const secrets = {
      email: 'secret@example.org',
      ip: '203.0.113.77',
      userAgent: 'SecretBrowser/1.0',
      ref: 'secret-ref',
    };
    const { email, ...rest } = secrets;
    await approved({ target, author: { name: 'Ann', email }, ...rest });
    const { text } = await read(target);
    for (const secret of [...Object.values(secrets), '203.0.113', 'probability', 'ADMIN_TOKEN', 'verdict'])
      expect(text).not.toContain(secret);
  });

  test('of a ping is its page with an excerpt as text', async () => {
    const target = newPost();
    const source = backtalk.web.url('carol.example', '/linking');
    backtalk.web.page(
      'carol.example',
      '/linking',
      `<title>Carol &lt;3 bread</title><p>We say &lt;script&gt;alert(1)&lt;/script&gt; about <a href="${target}">this loaf</a>.</p>`,
    );
    const body = `<?xml version="1.0"?><methodCall><methodName>pingback.ping</methodName><params>
      <param><value>${source}</value></param><param><value>${target}</value></param></params></methodCall>`;
    await backtalk.request('POST', '/xmlrpc', { body, token: null });
    const item = await until(async () => {
      const [found] = (await backtalk.get(`/v1/submissions?q=${encodeURIComponent(source)}`)).items;
      return found?.status !== 'received' && found;
    });
    await decide(item.id, 'approve');
    const [shown] = (await read(target)).json.items;
    expect(shown).toMatchObject({ kind: 'pingback', source, title: 'Carol <3 bread', replies: [] });
    expect(shown.html).toContain('this loaf');
    expect(shown.html).toContain('&lt;script&gt;');
    expect(shown.html).not.toContain('<script');
  });
});

describe('replies', () => {
  test('stand under what they answer to, at any depth', async () => {
    const target = newPost();
    const a = await approved({ target, ref: 'thread-a' });
    const b = await approved({ target });
    const a1 = await approved({ target, parent: a });
    const a2 = await approved({ target, parent: 'ref:thread-a' });
    const a11 = await approved({ target, parent: a1 });
    const { json } = await read(target);
    expect(json.count).toBe(5);
    expect(shape(json.items)).toEqual([[a, [[a1, [a11]], a2]], b]);
  });

  test('stand at the top as long as what they answer to is not approved', async () => {
    const target = newPost();
    const parent = await approved({ target });
    const child = await approved({ target, parent });
    const grandchild = await approved({ target, parent: child });
    await decide(parent, 'spam');
    expect(shape((await read(target)).json.items)).toEqual([[child, [grandchild]]]);
    await decide(child, 'hold');
    expect(shape((await read(target)).json.items)).toEqual([grandchild]);
    await decide(parent, 'approve');
    await decide(child, 'approve');
    expect(shape((await read(target)).json.items)).toEqual([[parent, [[child, [grandchild]]]]]);
  });

  test('to nothing known, or to something under another post, stand at the top', async () => {
    const target = newPost();
    const elsewhere = await approved({ target: newPost() });
    const ids = [];
    for (const parent of [elsewhere, 'ref:unknown', '01890000-0000-7000-8000-000000000000', 'x', ''])
      ids.push(await approved({ target, parent }));
    expect(shape((await read(target)).json.items)).toEqual(ids);
  });
});

describe('HTML', () => {
  test.each([
    '<script>alert(1)</script>text',
    '<SCRIPT SRC=//evil.example/x.js></SCRIPT>text',
    '<img src=x onerror=alert(1)>text',
    '<svg/onload=alert(1)>text',
    '<svg><script>alert(1)</script></svg>text',
    '<a href="javascript:alert(1)">text</a>',
    '<a href="JaVaScRiPt:alert(1)">text</a>',
    '<a href="java\tscript:alert(1)">text</a>',
    '<a href="&#106;avascript:alert(1)">text</a>',
    '<a href="data:text/html,<script>alert(1)</script>">text</a>',
    '<a href="vbscript:x">text</a>',
    '<a href="https://ok.example/" onclick="alert(1)" style="position:fixed" id="x" class="y">text</a>',
    '<b onmouseover=alert(1)>text</b>',
    '<iframe src="https://evil.example/"></iframe>text',
    '<object data="x"></object><embed src="x">text',
    '<form action="https://evil.example/"><input name="password"></form>text',
    '<style>body{display:none}</style>text',
    '<base href="https://evil.example/">text',
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">text',
    '<math><mi xlink:href="javascript:alert(1)">text</mi></math>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">text</noscript>',
    '<!--[if gte IE 4]><script>alert(1)</script><![endif]-->text',
    '<p>text</p></div></body></html><script>alert(1)',
    '<<script>alert(1)//<</script>text',
    '"><script>alert(1)</script>text',
    'https://ok.example/"onmouseover="alert(1) text',
  ])('in a comment is made harmless: %s', async (content) => {
    const target = newPost();
    await approved({ target, content });
    const [{ html }] = (await read(target)).json.items;
    expect(html).toContain('text');
    // What is left are the few elements that may stay, without attributes but those of a link to the web.
    for (const tag of html.match(/<[^>]*>/g) ?? [])
      expect(tag).toMatch(
        /^<(\/?(b|blockquote|br|code|del|em|i|li|ol|p|pre|q|strong|ul)|\/a|a href="https?:[^"]*" rel="nofollow ugc noopener")>$/,
      );
  });

  test('that is allowed stays', async () => {
    const target = newPost();
    await approved({ target, content: 'A <strong>hot</strong> oven, see <a href="https://ok.example/">here</a>' });
    const [{ html }] = (await read(target)).json.items;
    expect(html).toBe(
      '<p>A <strong>hot</strong> oven, see <a href="https://ok.example/" rel="nofollow ugc noopener">here</a></p>',
    );
  });

  test('in an address of an author never becomes a link that runs', async () => {
    const target = newPost();
    for (const url of ['javascript:alert(1)', 'data:text/html,x', ' JAVASCRIPT:alert(1)'])
      await approved({ target, author: { name: '<b>Ann</b>', url } });
    for (const { author } of (await read(target)).json.items) expect(author).toEqual({ name: '<b>Ann</b>', url: null });
  });
});

describe('a question', () => {
  test('may name the target in any form', async () => {
    const target = newPost();
    const id = await approved({ target: `${target}/?replytocom=7#respond` });
    const https = target.replace('http:', 'https:');
    for (const form of [target, `${target}/`, https, `${https}/`, `${target}#comments`, `${target}?replytocom=9`]) {
      const { json } = await read(form);
      expect([form, shape(json.items)]).toEqual([form, [id]]);
      expect(json.target).toBe(form);
    }
    expect((await read(`${target}?page=2`)).json.count).toBe(0);
    expect((await read(target.toUpperCase().replace('HTTP', 'http'))).json.count).toBe(0);
  });

  test('about a target that nobody knows, or that is nowhere near, is answered by nothing', async () => {
    for (const target of [newPost(), 'https://elsewhere.example/post']) {
      const answer = await read(target);
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({ target, count: 0, items: [] });
    }
    // Asking does not make it known.
    const { items } = await backtalk.get('/v1/targets?limit=200');
    expect(items.map(({ url }: Json) => url)).not.toContain(backtalk.web.url('blog.example', `/post-${posts}`));
  });

  test.each(['', '?target=', '?target=blog', '?target=ftp://blog.example/', '?target=javascript:alert(1)', '?url=x'])(
    'without a target that is a web address is refused: %s',
    async (query) => {
      const answer = await backtalk.request('GET', `/v1/published${query}`, { token: null });
      expect([answer.status, answer.json.error.code]).toEqual([400, 'http.bad_request']);
    },
  );

  test('may come from any page, without a token and with any', async () => {
    const target = newPost();
    const headers = { origin: 'https://any.example' };
    const answer = await backtalk.request('GET', `/v1/published?target=${target}`, { token: null, headers });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await backtalk.request('GET', `/v1/published?target=${target}`, { token: 'whatever' })).status).toBe(200);
  });
});
