// What no client should send, at every door: it is answered in the door's own dialect, never by a 5xx, and the next good
// request works.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkingPage, methodCall, ofSource, pingCall, stringParam, trackBack, xmlRpc } from '../support/doors.ts';
import { type Answer, type Json, startTestService, type TestService } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

const asForm = { 'content-type': 'application/x-www-form-urlencoded' };
const asJson = { 'content-type': 'application/json' };
let made = 0;

interface Door {
  name: string;
  /** Sends bytes, percent signs and all, as the door's clients would send their own. */
  send(body: Uint8Array, headers?: Record<string, string>): Promise<Answer>;
  /** Expects that an answer is one of the door's: not of the framework, and no success unless `orTaken`. */
  expectRefusal(answer: Answer, orTaken?: boolean): void;
  /** Sends something good, and expects that it is taken. */
  expectGood(): Promise<void>;
}

const doors: Door[] = [
  {
    name: 'the pingback door',
    send: (body, headers) => xmlRpc(backtalk, body, headers),
    expectRefusal({ status, headers, text }, orTaken = false) {
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/xml; charset=utf-8');
      expect(text).toMatch(
        orTaken ? /^<\?xml .*<methodResponse>/s : /^<\?xml .*<methodResponse>\s*<fault>.*<name>faultCode/s,
      );
    },
    async expectGood() {
      expect(
        (await xmlRpc(backtalk, pingCall(linkingPage(backtalk, `/good-${++made}`), backtalk.post))).fault,
      ).toBeNull();
    },
  },
  {
    name: 'the TrackBack door',
    send: (body, headers) =>
      trackBack(backtalk, body, headers === undefined ? {} : { headers, contentType: headers['content-type'] ?? '' }),
    expectRefusal({ status, headers, text }, orTaken = false) {
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/xml; charset=utf-8');
      expect(text).toMatch(
        orTaken ? /<response>\n<error>[01]<\/error>/ : /<response>\n<error>1<\/error>\n<message>[^<]+<\/message>/,
      );
    },
    async expectGood() {
      expect((await trackBack(backtalk, { url: linkingPage(backtalk, `/good-${++made}`) })).error).toBe(0);
    },
  },
  {
    name: 'the comment door, JSON of an engine',
    send: (body, headers = asJson) => backtalk.request('POST', '/v1/comments', { body, headers }),
    expectRefusal: expectJson,
    async expectGood() {
      expect((await backtalk.comment()).status).toBe('held');
    },
  },
  {
    name: 'the comment door, JSON of a visitor',
    send: (body, headers = asJson) => backtalk.request('POST', '/v1/comments', { body, headers, token: null }),
    expectRefusal: expectJson,
    async expectGood() {
      const body = JSON.stringify({ target: backtalk.post, author: { name: 'Ann' }, content: 'A good loaf.' });
      expect((await backtalk.request('POST', '/v1/comments', { body, token: null })).status).toBe(202);
    },
  },
  {
    name: 'the comment door, a form',
    send: (body, headers = asForm) => backtalk.request('POST', '/v1/comments', { body, headers, token: null }),
    expectRefusal({ status, headers, text }, orTaken = false) {
      if (orTaken && status === 303) return;
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(headers.get('content-type')).toMatch(/^text\/html/);
      expect(text).toContain('Your comment was not accepted');
    },
    async expectGood() {
      const body = new URLSearchParams({ target: backtalk.post, author: 'Ann', comment: 'A good loaf.' }).toString();
      expect((await backtalk.request('POST', '/v1/comments', { body, headers: asForm, token: null })).status).toBe(303);
    },
  },
];

function expectJson({ status, headers, text }: Answer, orTaken = false): void {
  if (orTaken && status < 300) return;
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(headers.get('content-type')).toBe('application/json');
  expect(JSON.parse(text)).toEqual({
    error: expect.objectContaining({ code: expect.stringMatching(/^[a-z]+\.[a-z_]+$/), message: expect.any(String) }),
  });
}

const nonsense: [string, Uint8Array][] = [
  ['nothing', Buffer.alloc(0)],
  ['blanks', Buffer.from(' \r\n')],
  ['NUL bytes', Buffer.alloc(16)],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0xfd, 0xc0, 0x80, 0x00, 0xd8])],
  ['a byte order mark', Buffer.from([0xef, 0xbb, 0xbf])],
  ['plain text', Buffer.from('hello')],
  ['JSON of another shape', Buffer.from('[1, 2, {"a": null}]')],
  ['JSON that is cut off', Buffer.from('{"target": "http')],
  ['XML of another shape', Buffer.from('<rss version="2.0"><channel/></rss>')],
  ['XML that is cut off', Buffer.from('<?xml version="1.0"?><methodCall><methodName>pingb')],
  ['brackets without end', Buffer.from('['.repeat(60_000))],
  ['braces without end', Buffer.from('{"a":'.repeat(12_000))],
  ['ampersands', Buffer.from('&'.repeat(60_000))],
  ['two thousand fields', Buffer.from('a=b&'.repeat(2_000))],
  ['percent signs', Buffer.from('%'.repeat(60_000))],
];

describe.each(doors)('$name', (door) => {
  test.each(nonsense)('refuses %s, and goes on', async (_name, body) => {
    door.expectRefusal(await door.send(body));
    await door.expectGood();
  });

  test.each([
    ['the charset nobody knows', 'text/xml; charset=x-none'],
    ['two charsets', 'application/json; charset=utf-8; charset=utf-16'],
    ['UTF-7', 'application/x-www-form-urlencoded; charset=utf-7'],
    ['a parameter without end', 'multipart/form-data; boundary="'],
    ['a type that is none', ';;;=/'],
    ['a long one', `text/${'x'.repeat(4_000)}`],
  ])('answers a body whose Content-Type has %s', async (_name, type) => {
    const answer = await door.send(Buffer.from('hello'), { 'content-type': type });
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).not.toBe('');
    await door.expectGood();
  });

  test('refuses a body that is too long with 413', async () => {
    const answer = await door.send(Buffer.alloc(1_000_001, 0x61));
    expect([answer.status, answer.headers.get('connection')]).toEqual([413, 'close']);
    await door.expectGood();
  });

  test('refuses a compressed body with 415', async () => {
    const headers = door.name.includes('JSON')
      ? asJson
      : door.name.includes('pingback')
        ? { 'content-type': 'text/xml' }
        : asForm;
    expect((await door.send(Buffer.from('x'), { ...headers, 'content-encoding': 'gzip' })).status).toBe(415);
    await door.expectGood();
  });

  test('answers any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (body) => {
        door.expectRefusal(await door.send(body), true);
      }),
      { numRuns: 60 },
    );
    await door.expectGood();
  });
});

/** Text as nobody types it: any code units, lone surrogates and control characters among them. */
const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
});
/** Text with a good share of what is hard to read. */
const hardText = fc.oneof(
  anyText,
  fc.constantFrom(
    '\u0000',
    '\ud800',
    '\udc00\ud800',
    '\ufffe',
    'a\u0000b',
    '&#0;',
    '%00',
    '‮',
    '<![CDATA[',
    ']]>',
    '\r\n\r\n',
    "' or 1=1; --",
    '{}',
    '__proto__',
  ),
);

describe('fields of any text', () => {
  test('are stored clean, or refused, in JSON', async () => {
    await fc.assert(
      fc.asyncProperty(hardText, hardText, hardText, hardText, async (name, content, ref, rest) => {
        const fields = {
          author: { name: `A${name}`, email: rest, url: rest },
          content: `B${content}`,
          ref,
          parent: `ref:${rest}`,
          userAgent: rest,
          post: { title: rest, text: rest },
        };
        const body = JSON.stringify({ target: `${backtalk.post}?${ref}`, ...fields });
        const answer = await backtalk.request('POST', '/v1/comments', { body });
        expectJson(answer, true);
      }),
      { numRuns: 60 },
    );
  });

  test('are stored clean, or refused, in a form', async () => {
    await fc.assert(
      fc.asyncProperty(hardText, hardText, async (first, second) => {
        const fields = {
          target: `${backtalk.post}?${first}`,
          author: `A${first}`,
          url: second,
          comment: `B${second}`,
          comment_parent: first,
        };
        const answer = await backtalk.request('POST', '/v1/comments', {
          body: new URLSearchParams(fields).toString(),
          headers: asForm,
          token: null,
        });
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 60 },
    );
  });

  test('are stored clean, or refused, in a TrackBack', async () => {
    await fc.assert(
      fc.asyncProperty(hardText, hardText, async (first, second) => {
        const source = `${linkingPage(backtalk, `/any-${++made}`)}?${second}`;
        const { status, error, text } = await trackBack(backtalk, {
          url: source,
          title: first,
          excerpt: second,
          blog_name: first,
        });
        expect([status, text.includes('internal'), [0, 1].includes(error)]).toEqual([200, false, true]);
      }),
      { numRuns: 60 },
    );
  });

  test('are taken, or a fault, in a pingback', async () => {
    await fc.assert(
      fc.asyncProperty(hardText, hardText, fc.boolean(), async (first, second, untyped) => {
        const body = untyped
          ? methodCall(first.replace(/[<&]/g, ''), `<param><value>${first}</value></param>`, stringParam(second))
          : pingCall(`http://alice.example/${first}`, `${backtalk.post}?${second}`);
        const { status, fault } = await xmlRpc(backtalk, body);
        expect(status).toBe(200);
        expect(fault?.code).not.toBe(-32603);
      }),
      { numRuns: 60 },
    );
  });
});

describe('NUL and lone surrogates', () => {
  const item = (id: string) => backtalk.get(`/v1/submissions/${id}`);

  test('are taken out of JSON, written as \\u0000 and \\ud800', async () => {
    const body = `{"target":"${backtalk.post}","author":{"name":"A\\u0000nn\\ud800"},"content":"x\\u0000\\u0001y\\udc00z \\ud83d\\ude00","ref":"r\\u00001","userAgent":"u\\u0000","post":{"title":"t\\u0000","text":"\\ud800"}}`;
    const answer = await backtalk.request('POST', '/v1/comments', { body });
    expect(answer.status).toBe(201);
    expect(await item(answer.json.id)).toMatchObject({
      author: { name: 'Ann\ufffd' },
      content: 'xy\ufffdz 😀',
      ref: 'r1',
    });
    const again = await backtalk.request('POST', '/v1/comments', { body });
    expect([again.status, again.json.id]).toEqual([200, answer.json.id]);
  });

  test('are taken out of forms, written as %00 and as bytes of a surrogate', async () => {
    const body = `target=${encodeURIComponent(backtalk.post)}&author=A%00nn&comment=x%00y%01z`;
    expect((await backtalk.request('POST', '/v1/comments', { body, headers: asForm, token: null })).status).toBe(303);
    const { items } = await backtalk.get('/v1/submissions?sort=newest&limit=1');
    expect(items[0]).toMatchObject({ author: { name: 'Ann' }, content: 'xyz' });
    const surrogate = await backtalk.request('POST', '/v1/comments', {
      body: body.replace('%00', '%ED%A0%80'),
      headers: asForm,
      token: null,
    });
    expect(surrogate.status).toBeLessThan(500);
  });

  test('do not make a URL another one', async () => {
    for (const target of ['http://blog\u0000.example/', `${backtalk.post}\ud800`, '\u0000'])
      expect(
        (
          await backtalk.request('POST', '/v1/comments', {
            body: JSON.stringify({ target, author: { name: 'A' }, content: 'x' }),
          })
        ).status,
      ).toBeLessThan(500);
    const source = linkingPage(backtalk, '/nul');
    expect((await trackBack(backtalk, `url=${encodeURIComponent(source)}%00`)).error).toBe(0);
    expect(await ofSource(backtalk, source)).toHaveLength(1);
  });
});

describe('JSON', () => {
  const forward = async (body: string): Promise<[number, Json]> => {
    const { status, json } = await backtalk.request('POST', '/v1/comments', { body });
    return [status, json.error];
  };

  test.each(['', '{', '{"target":}', 'undefined', "{'target':'x'}", '{"a":1}{"b":2}', 'NaN'])(
    'that is none is told so: %j',
    async (body) => {
      const [status, error] = await forward(body);
      expect([status, error.code]).toEqual([400, 'http.bad_json']);
    },
  );

  test.each(['null', '17', '"text"', '[]', 'true'])('that is no object is told so: %s', async (body) => {
    const [status, error] = await forward(body);
    expect([status, error.code]).toEqual([400, 'receive.bad_input']);
    expect(error.message).toContain('the request');
  });

  test('that is not UTF-8 is told so', async () => {
    const { status, json } = await backtalk.request('POST', '/v1/comments', {
      body: Buffer.from('{"target":"é"}', 'latin1'),
    });
    expect([status, json.error.code]).toEqual([400, 'http.bad_json']);
  });

  test('with a byte order mark is read', async () => {
    const body = `\ufeff${JSON.stringify({ target: backtalk.post, author: { name: 'Ann' }, content: 'x' })}`;
    expect((await backtalk.request('POST', '/v1/comments', { body })).status).toBe(201);
  });

  test('with __proto__ and constructor in it is read as if they were not there', async () => {
    const body = `{"__proto__":{"target":"http://elsewhere.example/"},"constructor":1,"target":"${backtalk.post}","author":{"name":"Ann","__proto__":{"email":"x"}},"content":"x"}`;
    expect((await backtalk.request('POST', '/v1/comments', { body })).status).toBe(201);
    expect(({} as Json).target).toBeUndefined();
  });
});

test('a path and a query that are no UTF-8 are answered', async () => {
  for (const path of [
    '/trackback?target=%ff%fe',
    '/trackback/%c0%80',
    '/v1/comments?%',
    '/xmlrpc?%00',
    '/trackback/..%2f..%2f',
    '/%',
  ]) {
    const { status } = await backtalk.request('POST', path, { body: 'x', token: null });
    expect(status).toBeLessThan(500);
  }
});

test('a source and a target of two thousand characters are stored, and longer ones refused', async () => {
  const long = (start: string, length: number) => `${start}?${'a'.repeat(length - start.length - 1)}`;
  const source = linkingPage(backtalk, '/long');
  const good = await xmlRpc(backtalk, pingCall(long(source, 2_000), long(backtalk.post, 2_000)));
  expect(good.fault).toBeNull();
  expect((await xmlRpc(backtalk, pingCall(long(source, 2_001), backtalk.post))).fault?.code).toBe(0);
  expect((await xmlRpc(backtalk, pingCall(source, long(backtalk.post, 2_001)))).fault?.code).toBe(33);
  // Short as it is written, and too long once its letters are percent signs.
  expect((await xmlRpc(backtalk, pingCall(`${source}?${'日'.repeat(700)}`, backtalk.post))).fault?.code).toBe(0);
  const random = Array.from({ length: 1_900 }, (_, i) => String.fromCharCode(97 + ((i * i * 7_919) % 26))).join('');
  expect((await trackBack(backtalk, { url: `${source}?${random}` })).error).toBe(0);
});
