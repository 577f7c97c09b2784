// T1 to T16 of TrackBack, as far as they concern a receiver; charsets as bytes on the wire.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkingPage, ofSource, trackBack } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

let made = 0;
/** A source that has not been sent yet. */
const newSource = () => linkingPage(backtalk, `/trackback-${++made}`);
const success = '<?xml version="1.0" encoding="utf-8"?>\n<response>\n<error>0</error>\n</response>';
const messageOf = (text: string) => /<message>([^<]*)<\/message>/.exec(text)?.[1];

/** The stored ping of a source, which must be the only one. */
async function stored(source: string): Promise<Json> {
  const items = await ofSource(backtalk, source);
  expect(items).toHaveLength(1);
  return items[0];
}

/** Percent-encodes every byte. */
const percent = (bytes: Iterable<number>) =>
  [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** Sends a ping whose title, excerpt and blog name are these bytes, and answers what was stored. */
async function storedOf(bytes: readonly number[], fields = '', contentType?: string): Promise<Json> {
  const source = newSource();
  const text = percent(bytes);
  const form = `url=${encodeURIComponent(source)}&title=${text}&excerpt=${text}&blog_name=${text}${fields}`;
  const { error } = await trackBack(backtalk, form, contentType === undefined ? {} : { contentType });
  expect(error).toBe(0);
  return stored(source);
}

describe('T1: a ping is a form post of url, title, excerpt and blog_name', () => {
  test('all four are stored', async () => {
    const source = newSource();
    expect(
      (await trackBack(backtalk, { url: source, title: 'On bread', excerpt: 'We liked it', blog_name: 'Alice' })).error,
    ).toBe(0);
    expect(await stored(source)).toMatchObject({
      kind: 'trackback',
      target: backtalk.post,
      title: 'On bread',
      content: 'We liked it',
      author: { name: 'Alice' },
    });
  });

  test('only the url is needed', async () => {
    const source = newSource();
    expect((await trackBack(backtalk, { url: source })).error).toBe(0);
    expect(await stored(source)).toMatchObject({ kind: 'trackback' });
  });

  test.each(['', 'title=On+bread', 'url=', 'url=%20%00', 'URL=http://alice.example/'])(
    'without a url (%j) the answer is an error',
    async (form) => {
      const { status, error, text } = await trackBack(backtalk, form);
      expect([status, error]).toEqual([200, 1]);
      expect(messageOf(text)).toContain('url');
    },
  );

  test.each([
    'nonsense',
    'ftp://alice.example/',
    'javascript:alert(1)',
    '//alice.example/',
    `http://alice.example/${'a'.repeat(2_000)}`,
  ])('a url that is no web address is an error: %s', async (url) => {
    const { status, error } = await trackBack(backtalk, { url });
    expect([status, error]).toEqual([200, 1]);
  });
});

describe('T2, T3: the answer', () => {
  test('success is the document of the specification, to the byte', async () => {
    const { status, text, headers } = await trackBack(backtalk, { url: newSource() });
    expect([status, text]).toEqual([200, success]);
    expect(headers.get('content-type')).toBe('text/xml; charset=utf-8');
    expect(headers.get('content-length')).toBe(String(success.length));
  });

  test('an error has HTTP status 200 too, and an escaped message', async () => {
    const { status, text, headers } = await trackBack(backtalk, { title: '<&>' });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/xml; charset=utf-8');
    expect(text).toMatch(
      /^<\?xml version="1\.0" encoding="utf-8"\?>\n<response>\n<error>1<\/error>\n<message>[^<>]+<\/message>\n<\/response>$/,
    );
  });

  test.each<[string, string]>([
    ['a post of no site', '/trackback?target=http%3A%2F%2Felsewhere.example%2F'],
    ['no target', '/trackback'],
    ['a target that is no URL', '/trackback?target=nonsense'],
    ['an id of no target', '/trackback/01900000-0000-7000-8000-000000000000'],
    ['an id that is none', '/trackback/17'],
    ['36 dashes', `/trackback/${'-'.repeat(36)}`],
    ['a path under no site', '/trackback/01900000-0000-7000-8000-000000000000/2024/bread'],
    ['a malformed path', '/trackback/%ff/%00'],
  ])('an unknown post is an error in the same form: %s', async (_name, path) => {
    const { status, error, text } = await trackBack(backtalk, { url: newSource() }, { path });
    expect([status, error]).toEqual([200, 1]);
    expect(messageOf(text)).toContain('site');
  });

  test('a closed post, a post that is gone, a page of this service and the post itself are errors', async () => {
    for (const state of ['closed', 'gone']) {
      const url = backtalk.web.url('blog.example', `/${state}`);
      await backtalk.send('/v1/targets', { url, state });
      expect(
        (await trackBack(backtalk, { url: newSource() }, { path: `/trackback?target=${encodeURIComponent(url)}` }))
          .error,
      ).toBe(1);
    }
    expect((await trackBack(backtalk, { url: `${backtalk.url}/x` })).error).toBe(1);
    expect((await trackBack(backtalk, { url: `${backtalk.post}#x` })).error).toBe(1);
  });

  test('a compressed body gets 415', async () => {
    const { status, error } = await trackBack(backtalk, 'x', { headers: { 'content-encoding': 'gzip' } });
    expect([status, error]).toEqual([415, 1]);
  });
});

const japanese = '日本語のブログ、パンの話';
const shiftJis = [
  0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea, 0x82, 0xcc, 0x83, 0x75, 0x83, 0x8d, 0x83, 0x4f, 0x81, 0x41, 0x83, 0x70, 0x83,
  0x93, 0x82, 0xcc, 0x98, 0x62,
];
const eucJp = [
  0xc6, 0xfc, 0xcb, 0xdc, 0xb8, 0xec, 0xa4, 0xce, 0xa5, 0xd6, 0xa5, 0xed, 0xa5, 0xb0, 0xa1, 0xa2, 0xa5, 0xd1, 0xa5,
  0xf3, 0xa4, 0xce, 0xcf, 0xc3,
];
const latin = [0x63, 0x61, 0x66, 0xe9];
const cyrillic = [0xd5, 0xeb, 0xe5, 0xe1];
const inUtf8 = [...Buffer.from(japanese)];

describe('T4, T5: charsets, on bytes', () => {
  const type = (charset: string) => `application/x-www-form-urlencoded; charset=${charset}`;
  test.each<[string, string, readonly number[], string, string | undefined]>([
    ['UTF-8 without any charset (WordPress)', japanese, inUtf8, '', undefined],
    ['UTF-8 by Content-Type', japanese, inUtf8, '', type('utf-8')],
    ['Shift_JIS by Content-Type', japanese, shiftJis, '', type('Shift_JIS')],
    ['Shift_JIS in quotes', japanese, shiftJis, '', type('"shift_jis"')],
    ['Shift_JIS by field', japanese, shiftJis, '&charset=Shift_JIS', undefined],
    ['Shift_JIS by guess', japanese, shiftJis, '', undefined],
    ['EUC-JP by Content-Type', japanese, eucJp, '', type('EUC-JP')],
    ['EUC-JP by field', japanese, eucJp, '&charset=euc-jp', undefined],
    ['EUC-JP by guess', japanese, eucJp, '', undefined],
    ['ISO-8859-1 by Content-Type', 'café', latin, '', type('ISO-8859-1')],
    ['ISO-8859-1 by field', 'café', latin, '&charset=iso-8859-1', undefined],
    ['ISO-8859-1 by guess', 'café', latin, '', undefined],
    ['windows-1251 by Content-Type', 'Хлеб', cyrillic, '', type('windows-1251')],
    ['windows-1251 by field', 'Хлеб', cyrillic, '&charset=cp1251', undefined],
    ['Content-Type before the field', japanese, shiftJis, '&charset=utf-8', type('shift_jis')],
  ])('%s', async (_name, text, bytes, fields, contentType) => {
    expect(await storedOf(bytes, fields, contentType)).toMatchObject({
      title: text,
      content: text,
      author: { name: text },
    });
  });

  test('raw bytes that are not percent-encoded are taken as they are', async () => {
    const source = newSource();
    const body = Buffer.concat([Buffer.from(`url=${source}&title=`), Buffer.from(latin)]);
    expect((await trackBack(backtalk, body, { contentType: type('iso-8859-1') })).error).toBe(0);
    expect(await stored(source)).toMatchObject({ title: 'café' });
  });

  test('a malformed percent sign stays as it is', async () => {
    const source = newSource();
    expect((await trackBack(backtalk, `url=${encodeURIComponent(source)}&title=100%+of+%zz%4`)).error).toBe(0);
    expect(await stored(source)).toMatchObject({ title: '100% of %zz%4' });
  });

  test('bytes that the declared charset does not have are an error', async () => {
    const { error, text } = await trackBack(backtalk, `url=${newSource()}&title=%E9+x`, { contentType: type('utf-8') });
    expect(error).toBe(1);
    expect(messageOf(text)).toContain('charset');
  });
});

describe('T6: UTF-7 and unknown charsets', () => {
  test.each([
    ['UTF-7', ''],
    ['utf7', ''],
    ['', 'UTF-7'],
    ['', ' uTf-7 '],
    ['utf-8', 'utf-7'],
    ['x-no-such-charset', ''],
    ['', 'x-no-such-charset'],
    ['utf-16', ''],
  ])('Content-Type %j and field %j are an error, and nothing is stored', async (header, field) => {
    const source = newSource();
    const form = `url=${encodeURIComponent(source)}&title=%2BADw-script%2BAD4-${field && `&charset=${encodeURIComponent(field)}`}`;
    const { status, error, text } = await trackBack(backtalk, form, {
      contentType: `application/x-www-form-urlencoded${header && `; charset=${header}`}`,
    });
    expect([status, error]).toEqual([200, 1]);
    expect(messageOf(text)).toContain('charset');
    expect(await ofSource(backtalk, source)).toEqual([]);
  });
});

describe('T7, T8: title, excerpt and blog name', () => {
  const storedWith = async (fields: Record<string, string>) => {
    const source = newSource();
    expect((await trackBack(backtalk, { url: source, ...fields })).error).toBe(0);
    return { source, item: await stored(source) };
  };

  test('entities are decoded once', async () => {
    const { item } = await storedWith({
      title: 'Sénder &#038; &#8220;post&#8221;',
      excerpt: 'a &amp;amp; b &hellip;',
      blog_name: '&lt;b&gt;',
    });
    expect(item).toMatchObject({ title: 'Sénder & “post”', content: 'a &amp; b …', author: { name: '<b>' } });
  });

  test('what the entities stood for is escaped when it is published', async () => {
    const { item } = await storedWith({ title: '&lt;script&gt;', excerpt: '&lt;img src=x onerror=alert(1)&gt;' });
    await until(async () => (await backtalk.get(`/v1/submissions/${item.id}`)).status === 'held');
    await backtalk.send(`/v1/submissions/${item.id}/approve`);
    const { items } = await backtalk.get(`/v1/published?target=${encodeURIComponent(backtalk.post)}`);
    const html = items.find(({ id }: Json) => id === item.id).html;
    expect(html).toContain('&lt;img');
    expect(html).not.toContain('<img');
  });

  test('a missing title is the url', async () => {
    for (const fields of [{}, { title: '' }, { title: ' \n ' }, { title: '&#1;' }]) {
      const { source, item } = await storedWith(fields as Record<string, string>);
      expect(item.title).toBe(source);
    }
  });

  test('long texts are cropped with an ellipsis', async () => {
    const { item } = await storedWith({
      title: 'ä'.repeat(1_000),
      excerpt: 'word '.repeat(1_000),
      blog_name: '😀'.repeat(300),
    });
    for (const [text, most] of [
      [item.title, 250],
      [item.content, 255],
      [item.author.name, 255],
    ]) {
      expect([...text].length).toBeLessThanOrEqual(most);
      expect([...text].length).toBeGreaterThan(most - 10);
      expect(text.endsWith('…')).toBe(true);
    }
  });

  test('white space is collapsed', async () => {
    const { item } = await storedWith({ title: ' a\r\n\tb  c ', excerpt: 'd\n\ne' });
    expect(item).toMatchObject({ title: 'a b c', content: 'd e' });
  });
});

test.each(['GET', 'PUT', 'DELETE'])(
  'T9: %s pings nothing: 405, Allow: POST, and the error in TrackBack',
  async (method) => {
    const source = newSource();
    const path = `/trackback?target=${encodeURIComponent(backtalk.post)}&url=${encodeURIComponent(source)}&title=x`;
    const answer = await backtalk.request(method, path, { token: null });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(answer.text).toContain('<error>1</error>');
    expect(messageOf(answer.text)).toBe('Trackback pings must use HTTP POST');
    expect(await ofSource(backtalk, source)).toEqual([]);
  },
);

describe('T10: ping URLs', () => {
  const pingAt = async (path: string) => {
    const source = newSource();
    const { status, error } = await trackBack(backtalk, { url: source }, { path });
    expect([status, error]).toEqual([200, 0]);
    return (await stored(source)).target;
  };

  test('?target=<post URL>, with or without a slash before', async () => {
    const post = encodeURIComponent(`${backtalk.post}?p=1&q=ü`);
    expect(await pingAt(`/trackback?target=${post}`)).toBe(`${backtalk.post}?p=1&q=%C3%BC`);
    expect(await pingAt(`/trackback/?target=${post}`)).toBe(`${backtalk.post}?p=1&q=%C3%BC`);
  });

  test('/<target id>, with or without a slash behind', async () => {
    const { id } = await backtalk.send('/v1/targets', { url: backtalk.post });
    expect(await pingAt(`/trackback/${id}`)).toBe(backtalk.post);
    expect(await pingAt(`/trackback/${id}/`)).toBe(backtalk.post);
  });

  test('/<site id>/<path>, with or without /trackback behind', async () => {
    const siteId = (await backtalk.get('/v1/sites')).items[0].id;
    const base = backtalk.web.url('blog.example');
    for (const [path, target] of [
      ['2024/05/bread', '2024/05/bread'],
      ['2024/05/bread/trackback', '2024/05/bread/'],
      ['2024/05/bread/trackback/', '2024/05/bread/'],
      ['caf%C3%A9', 'caf%C3%A9'],
      ['trackback/', ''],
      ['trackbacks', 'trackbacks'],
      ['my-trackback', 'my-trackback'],
    ])
      expect(await pingAt(`/trackback/${siteId}/${path}`)).toBe(`${base}${target}`);
    expect(await pingAt(`/trackback/${siteId}/?p=7`)).toBe(`${base}?p=7`);
  });
});

test('T12: a repeat is an error, one ping is stored, and its words stay', async () => {
  const source = newSource();
  expect((await trackBack(backtalk, { url: source, title: 'First' })).error).toBe(0);
  for (const url of [source, `${source}#fragment`]) {
    const { status, error, text } = await trackBack(backtalk, { url, title: 'Second' });
    expect([status, error]).toEqual([200, 1]);
    expect(messageOf(text)).toBe('There is already a ping from that URL for this post.');
  }
  expect(await stored(source)).toMatchObject({ title: 'First' });
});

test('T12: of the same ping ten times at once one is taken', async () => {
  const source = newSource();
  const errors = await Promise.all(
    Array.from({ length: 10 }, async () => (await trackBack(backtalk, { url: source })).error),
  );
  expect(errors.sort()).toEqual([0, ...Array(9).fill(1)]);
  expect(await ofSource(backtalk, source)).toHaveLength(1);
});

describe('T13: the page behind a ping', () => {
  const looked = async (source: string) => {
    expect((await trackBack(backtalk, { url: source, title: 'On bread' })).error).toBe(0);
    const { id } = await until(async () =>
      (await ofSource(backtalk, source)).find(({ status }) => status !== 'received'),
    );
    return backtalk.get(`/v1/submissions/${id}`);
  };

  test('that links back is held without a signal', async () => {
    expect(await looked(newSource())).toMatchObject({ status: 'held', title: 'On bread', signals: [] });
  });

  test('that does not link back is held with the signal no_link_back', async () => {
    const item = await looked(backtalk.web.url('alice.example', '/nolink.html?t13'));
    expect(item).toMatchObject({ status: 'held', signals: ['no_link_back'] });
  });

  test('that does not exist makes the ping invalid', async () => {
    expect(await looked(backtalk.web.url('alice.example', '/no-such-page'))).toMatchObject({ status: 'invalid' });
  });
});

test('T15: NUL bytes are stripped from every field', async () => {
  const source = newSource();
  const url = encodeURIComponent(source).replace('trackback', 'track%00back');
  expect((await trackBack(backtalk, `url=%00${url}%00&title=a%00b&excerpt=%00c&blog_name=d%00`)).error).toBe(0);
  expect(await stored(source)).toMatchObject({ title: 'ab', content: 'c', author: { name: 'd' } });
});

test('T15: control characters and lone surrogates that are written as references are not stored', async () => {
  const source = newSource();
  const claim = 'a&#0;b&#1;c&#xD800;d&#x1F600;';
  expect((await trackBack(backtalk, { url: source, title: claim, excerpt: claim, blog_name: claim })).error).toBe(0);
  const { title } = await stored(source);
  expect(title).toMatch(/^a\ufffd?bc\ufffd?d😀$/);
});

test('T16: unknown fields are ignored, and of a field that comes twice the first counts', async () => {
  const source = newSource();
  expect(
    (
      await trackBack(
        backtalk,
        `x_author=Bob&url=${encodeURIComponent(source)}&title=A&title=B&__proto__=x&constructor=y&`,
      )
    ).error,
  ).toBe(0);
  expect(await stored(source)).toMatchObject({ title: 'A' });
});

test.each(['multipart/form-data; boundary=x', 'application/json', 'text/plain', 'text/xml'])(
  'T16: a body of type %s is an error',
  async (contentType) => {
    const source = newSource();
    const form = contentType.startsWith('multipart')
      ? `--x\r\nContent-Disposition: form-data; name="url"\r\n\r\n${source}\r\n--x--\r\n`
      : `url=${encodeURIComponent(source)}`;
    const { status, error, text } = await trackBack(backtalk, form, { contentType });
    expect([status, error]).toEqual([200, 1]);
    expect(messageOf(text)).toContain('application/x-www-form-urlencoded');
    expect(await ofSource(backtalk, source)).toEqual([]);
  },
);

test('T16: a form without a Content-Type, or with one in capitals, is read', async () => {
  const [first, second] = [newSource(), newSource()];
  const path = `/trackback?target=${encodeURIComponent(backtalk.post)}`;
  await backtalk.request('POST', path, { body: Buffer.from(`url=${encodeURIComponent(first)}`), token: null });
  await trackBack(backtalk, { url: second }, { contentType: 'Application/X-WWW-Form-URLencoded;Charset=UTF-8' });
  await stored(first);
  await stored(second);
});
