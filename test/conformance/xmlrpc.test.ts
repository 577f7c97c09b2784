// X1 to X11 of XML-RPC and inputs made to hurt its parsers, as bytes on the wire.
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error: the package has no types of its own
import xmlrpc from 'xmlrpc';
import { linkingPage, methodCall, ofSource, pingCall, stringParam, xmlRpc } from '../support/doors.ts';
import { startTestService, type TestService } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

let made = 0;
/** A source that has not been sent yet. */
const newSource = () => linkingPage(backtalk, `/xml-${++made}`);
const string = (text: string) => `<value><string>${text}</string></value>`;
const param = (value: string) => `<param>${value}</param>`;
const utf16 = (text: string, bigEndian: boolean) => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};

/** Sends a ping as `write` writes it and expects that it is stored under exactly its source. */
async function expectTaken(
  write: (source: string, target: string) => string | Uint8Array,
  headers?: Record<string, string>,
): Promise<void> {
  const source = newSource();
  const answer = await xmlRpc(backtalk, write(source, backtalk.post), headers);
  expect([answer.status, answer.fault]).toEqual([200, null]);
  expect(await ofSource(backtalk, source)).toMatchObject([{ kind: 'pingback', target: backtalk.post }]);
}

/** Expects a fault of this code, by HTTP 200, and that the next good call works. */
async function expectFault(code: number, body: string | Uint8Array, headers?: Record<string, string>): Promise<string> {
  const answer = await xmlRpc(backtalk, body, headers);
  expect([answer.status, answer.fault?.code]).toEqual([200, code]);
  expect((await xmlRpc(backtalk, methodCall('system.listMethods'))).fault).toBeNull();
  return answer.fault?.message ?? '';
}

/** A call by the npm package's client. */
async function clientCall(method: string, params: unknown[]): Promise<unknown> {
  const client = xmlrpc.createClient({ url: `${backtalk.url}/xmlrpc` });
  return new Promise((resolve, reject) => {
    client.methodCall(method, params, (error: Error | null, value: unknown) =>
      error ? reject(error) : resolve(value),
    );
  });
}

test.each(['GET', 'HEAD', 'PUT', 'DELETE'])(
  'X1: %s gets 405, Allow: POST and the sentence that scanners look for',
  async (method) => {
    const answer = await backtalk.request(method, '/xmlrpc', { token: null });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(answer.text).toBe(method === 'HEAD' ? '' : 'XML-RPC server accepts POST requests only.');
  },
);

test.each(['/xmlrpc', '/xmlrpc.php', '/RPC2'])('X1: the endpoint is also reached at %s', async (path) => {
  const answer = await backtalk.request('POST', path, { body: methodCall('system.listMethods'), token: null });
  expect(answer.text).toContain('pingback.ping');
});

test.each([
  'text/xml',
  'text/xml; charset=utf-8',
  'application/xml',
  'text/html',
  'application/x-www-form-urlencoded',
  'nonsense',
])('X2: the Content-Type %s is accepted', async (type) => {
  await expectTaken(pingCall, { 'content-type': type });
});

test('X2: a missing Content-Type is accepted', async () => {
  await expectTaken((source, target) => Buffer.from(pingCall(source, target)), {});
});

describe('X3: encodings', () => {
  // The letter stands in the path of the source, where a wrong decoding is seen as other percent signs.
  const body = (declaration: string, source: string, target: string) =>
    `${declaration}<methodCall><methodName>pingback.ping</methodName><params>${stringParam(source)}${stringParam(target)}</params></methodCall>`;
  const declare = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?>`;
  const rows: [string, string, (text: string) => Uint8Array, Record<string, string>][] = [
    ['none declared is UTF-8', '<?xml version="1.0"?>', (text) => Buffer.from(text), {}],
    ['no declaration at all is UTF-8', '', (text) => Buffer.from(text), {}],
    ['utf-8', declare('utf-8'), (text) => Buffer.from(text), {}],
    ['iso-8859-1 with the raw byte E9 (Python)', declare('iso-8859-1'), (text) => Buffer.from(text, 'latin1'), {}],
    [
      'iso-8859-1 with &#233; (PHP)',
      declare('iso-8859-1'),
      (text) => Buffer.from(text.replace('é', '&#233;'), 'latin1'),
      {},
    ],
    ['us-ascii (Perl)', declare('us-ascii'), (text) => Buffer.from(text.replace('é', '&#xE9;')), {}],
    ['in single quotes', "<?xml version='1.0' encoding='ISO-8859-1'?>", (text) => Buffer.from(text, 'latin1'), {}],
    ['the HTTP charset', '', (text) => Buffer.from(text, 'latin1'), { 'content-type': 'text/xml; charset=iso-8859-1' }],
    [
      'the declaration before the HTTP charset',
      declare('iso-8859-1'),
      (text) => Buffer.from(text, 'latin1'),
      { 'content-type': 'text/xml; charset=utf-8' },
    ],
    [
      'UTF-16 by HTTP charset',
      '',
      (text) => Buffer.from(text, 'utf16le'),
      { 'content-type': 'text/xml; charset=utf-16le' },
    ],
  ];
  test.each(rows)('%s', async (_name, declaration, encode, headers) => {
    const source = `${newSource()}/é`;
    const answer = await xmlRpc(backtalk, encode(body(declaration, source, backtalk.post)), headers);
    expect(answer.fault).toBeNull();
    expect(await ofSource(backtalk, source.replace('é', '%C3%A9'))).toHaveLength(1);
  });

  test.each(['utf-16', 'UTF-16LE', 'ucs-2', 'utf-32', 'utf-7', 'x-unknown', ''])(
    'ASCII that declares %j is refused as an encoding, or read as the ASCII that it is',
    async (encoding) => {
      const answer = await xmlRpc(backtalk, body(declare(encoding), newSource(), backtalk.post));
      expect([answer.status, answer.fault?.code]).toEqual([200, encoding === '' ? undefined : -32701]);
    },
  );

  test('ASCII that the HTTP charset calls UTF-16 is refused as an encoding', async () => {
    await expectFault(-32701, body('', newSource(), backtalk.post), { 'content-type': 'text/xml; charset=utf-16' });
  });

  test('bytes that the encoding does not have are -32702', async () => {
    await expectFault(-32702, Buffer.from(body(declare('utf-8'), `${newSource()}/é`, backtalk.post), 'latin1'));
  });
});

test.each<[string, (text: string) => string | Uint8Array]>([
  ['a BOM of UTF-8', (text) => `\ufeff${text}`],
  ['UTF-16 LE with BOM', (text) => utf16(text, false)],
  ['UTF-16 BE with BOM', (text) => utf16(text, true)],
  ['UTF-16 with BOM and declaration', (text) => utf16(text.replace('?>', ' encoding="utf-16"?>'), true)],
  ['white space before the declaration', (text) => `\r\n \t${text}`],
  ['white space before a declaration of ISO-8859-1', (text) => `\n${text.replace('?>', ' encoding="iso-8859-1"?>')}`],
  ['white space behind the call', (text) => `${text}\r\n\r\n`],
])('X4: %s parses', async (_name, write) => {
  await expectTaken((source, target) => write(pingCall(source, target)));
});

test.each<[string, (source: string, target: string) => string]>([
  [
    'untyped',
    (source, target) => methodCall('pingback.ping', ...[source, target].map((uri) => param(`<value>${uri}</value>`))),
  ],
  [
    'pretty-printed, with a newline between every tag',
    (source, target) =>
      `<?xml version="1.0"?>\n<methodCall>\n <methodName>\n  pingback.ping\n </methodName>\n <params>\n${[
        source,
        target,
      ]
        .map((uri) => `  <param>\n   <value>\n    <string>${uri}</string>\n   </value>\n  </param>\n`)
        .join('')} </params>\n</methodCall>\n`,
  ],
  [
    'white space around a typed string',
    (source, target) => methodCall('pingback.ping', param(string(`\n ${source} `)), param(string(target))),
  ],
  [
    'comments between and within',
    (source, target) =>
      `<!-- a -->${pingCall(source, target).replace(/^.*\n/, '').replaceAll('<value>', '<!-- b --><value>')}`,
  ],
])('X5: strings may be %s', async (_name, write) => {
  await expectTaken(write);
});

test('X5: <string/>, <value/> and an untyped value of nothing are the empty string, which is no URL but a string', async () => {
  for (const empty of ['<value><string/></value>', '<value/>', '<value></value>', '<value><string></string></value>'])
    await expectFault(0, methodCall('pingback.ping', param(empty), stringParam(backtalk.post)));
});

test.each([
  '<int>1</int>',
  '<i4>-1</i4>',
  '<i8>9007199254740993</i8>',
  '<ex:i8>9223372036854775807</ex:i8>',
  '<boolean>1</boolean>',
  '<double>1.5</double>',
  '<dateTime.iso8601>20200101T00:00:00</dateTime.iso8601>',
  '<dateTime.iso8601>2020-01-01T00:00:00+0200</dateTime.iso8601>',
  '<base64>aHR0cDovL2FsaWNlLmV4YW1wbGUv</base64>',
  '<nil/>',
  '<ex:nil/>',
  '<array><data></data></array>',
  '<array><data><value>http://alice.example/</value></data></array>',
  '<struct></struct>',
  '<struct><member><name>a</name><value>b</value></member></struct>',
])('X6: %s where a string is needed is -32602', async (value) => {
  await expectFault(-32602, methodCall('pingback.ping', param(`<value>${value}</value>`), stringParam(backtalk.post)));
});

test.each([
  '<int>12abc</int>',
  '<int></int>',
  '<int>2147483649</int>',
  '<i8>1.5</i8>',
  '<boolean>true</boolean>',
  '<double>1e999</double>',
  '<double>one</double>',
  '<struct><member><name>a</name></member></struct>',
])('X6: %s is not conforming: -32600', async (value) => {
  await expectFault(-32600, methodCall('pingback.ping', param(`<value>${value}</value>`), stringParam(backtalk.post)));
});

test.each<[string, (source: string) => string]>([
  ['a CDATA section', (source) => `<![CDATA[${source}?a=1&b=<2>]]>`],
  ['text and CDATA mixed', (source) => `${source}?a=1<![CDATA[&b=]]>&lt;2&gt;`],
  ['predefined entities', (source) => `${source}?a=1&amp;b=&lt;2&gt;`],
  ['numeric references', (source) => `${source}?a=1&#38;b=&#x3C;2&#x3e;`],
])('X7: %s decodes', async (_name, write) => {
  const source = newSource();
  const answer = await xmlRpc(
    backtalk,
    methodCall('pingback.ping', param(string(write(source))), stringParam(backtalk.post)),
  );
  expect(answer.fault).toBeNull();
  expect(await ofSource(backtalk, `${source}?a=1&b=%3C2%3E`)).toHaveLength(1);
});

test.each([
  '&#0;',
  '&#x0;',
  '&#00;',
  '&#1;',
  '&#xFFFF;',
  '&#xD800;',
  '&#55296;',
  '&#xDFFF;',
  '&#x110000;',
  '&#99999999999999999999;',
  '&#xD83D;&#xDE00;',
  '\0',
  '\x01',
  '\uffff',
  '&bogus;',
  '&',
  '& ',
])('X7: %j is not well formed: -32700', async (text) => {
  await expectFault(
    -32700,
    methodCall('pingback.ping', param(string(`http://alice.example/${text}`)), stringParam(backtalk.post)),
  );
});

test.each([
  ['deflate', deflateSync],
  ['gzip', gzipSync],
  ['gzip, gzip', gzipSync],
  ['br', (bytes: Buffer) => bytes],
] as const)('X8: a body in Content-Encoding %s gets 415 unparsed', async (encoding, compress) => {
  const source = newSource();
  const answer = await xmlRpc(backtalk, compress(Buffer.from(pingCall(source, backtalk.post))), {
    'content-type': 'text/xml',
    'content-encoding': encoding,
  });
  expect([answer.status, answer.fault]).toEqual([415, null]);
  expect(await ofSource(backtalk, source)).toEqual([]);
});

test('X8: Content-Encoding: identity is none', async () => {
  await expectTaken(pingCall, { 'content-type': 'text/xml', 'content-encoding': 'identity' });
});

test("X9: Serendipity's named parameters are taken by their order", async () => {
  await expectTaken((source, target) =>
    methodCall(
      'pingback.ping',
      `<param><name>sourceURI</name>${string(source)}</param>`,
      `<param><name>targetURI</name>${string(target)}</param>`,
    ),
  );
});

test('X10: a result and a fault are text/xml in UTF-8 with a declaration and a Content-Length', async () => {
  for (const method of ['system.getCapabilities', 'no.such<&amp;"é\u{1f600}>'.replaceAll('<', '&lt;')]) {
    const answer = await xmlRpc(backtalk, methodCall(method));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/xml; charset=utf-8');
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(answer.text)));
    expect(answer.headers.get('transfer-encoding')).toBeNull();
    expect(answer.text).toMatch(/^<\?xml version="1\.0" encoding="utf-8"\?>/);
  }
});

test('X10: a fault is a struct of exactly an int and a string, which is escaped', async () => {
  const { text } = await xmlRpc(backtalk, methodCall('a&lt;b&gt;&amp;"]]&gt;é'));
  const withoutSpace = text.replace(/>\s+</g, '><');
  expect(withoutSpace).toMatch(
    /^<\?xml [^>]*><methodResponse><fault><value><struct><member><name>faultCode<\/name><value><int>-32601<\/int><\/value><\/member><member><name>faultString<\/name><value><string>(?:[^<]|<!\[CDATA\[.*?\]\]>)*<\/string><\/value><\/member><\/struct><\/value><\/fault><\/methodResponse>$/,
  );
  await expect(clientCall('a<b>&"]]>é', [])).rejects.toMatchObject({
    faultString: 'there is no method a<b>&"]]>é here',
  });
});

test('X10: a client of HTTP/1.0 gets the whole answer and then the end of the connection', async () => {
  const body = methodCall('system.listMethods');
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    connect(Number(new URL(backtalk.url).port), '127.0.0.1')
      .on('data', (data) => {
        text += data;
      })
      .on('end', () => resolve(text))
      .on('error', reject)
      .write(`POST /xmlrpc HTTP/1.0\r\nHost: backtalk.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  expect(answer).toMatch(/^HTTP\/1\.[01] 200 /);
  expect(answer).not.toMatch(/transfer-encoding/i);
  expect(answer).toMatch(/<\/methodResponse>\s*$/);
});

test.each([
  ['a short one', '<!DOCTYPE methodCall>'],
  ['an external one', '<!DOCTYPE methodCall SYSTEM "file:///etc/passwd">'],
  [
    'billion laughs',
    `<!DOCTYPE lolz [<!ENTITY l "lol">${Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i} "${`&l${i || ''};`.repeat(10)}">`).join('')}]>`,
  ],
  ['an external entity', '<!DOCTYPE x [<!ENTITY x SYSTEM "http://127.0.0.1/">]>'],
  ['in lower case', '<!doctype methodCall>'],
])('X11: a DOCTYPE is refused with -32700: %s', async (_name, doctype) => {
  const call = methodCall('pingback.ping', param(string('&l8;&x;')), stringParam(backtalk.post));
  expect(await expectFault(-32700, call.replace('\n', doctype))).toContain('document type');
});

describe('hostile calls get a fault, and the next good one works', () => {
  const inString = (xml: string) =>
    methodCall('pingback.ping', param(`<value>${xml}</value>`), stringParam(backtalk?.post ?? ''));
  const nested = (depth: number) =>
    `${'<array><data><value>'.repeat(depth)}x${'</value></data></array>'.repeat(depth)}`;
  const good = methodCall('system.listMethods');
  test.each<[string, number, () => string]>([
    ['a thousand nested arrays', -32700, () => inString(nested(1_000))],
    [
      'open tags and many closes that match nothing',
      -32600,
      () => `${'<value>'.repeat(2_000)}${'</x>'.repeat(12_000)}`,
    ],
    ['closes that match nothing', -32700, () => `<methodCall>${'</value>'.repeat(8_000)}</methodCall>`],
    ['ten thousand opening brackets', -32700, () => '<'.repeat(10_000)],
    ['thousands of elements', -32700, () => inString(`<array><data>${'<value/>'.repeat(7_000)}</data></array>`)],
    ['thousands of references', -32700, () => inString(`${'&#38;'.repeat(10_000)}&#x110000;`)],
    ['an attribute that does not end', -32700, () => `<methodCall a="${'a'.repeat(60_000)}`],
    ['a comment that does not end', -32700, () => `<!--${'-'.repeat(60_000)}`],
    ['a CDATA section that does not end', -32700, () => `<methodCall><methodName><![CDATA[${']'.repeat(60_000)}`],
    ['two method names', -32600, () => good.replace('<params>', '<methodName>x</methodName><params>')],
    ['no method name', -32600, () => good.replace(/<methodName>.*<\/methodName>/, '')],
    ['an empty method name', -32600, () => methodCall(' ')],
    ['two roots', -32600, () => good + good.replace(/^.*\n/, '')],
    ['text behind the root', -32700, () => `${good}junk`],
    ['text before the root', -32700, () => `junk${good}`],
    ['a response', -32600, () => '<methodResponse><params></params></methodResponse>'],
    ['an element that XML-RPC does not have', -32600, () => inString('<script>x</script>')],
    ['a page', -32600, () => '<html><body>hello</body></html>'],
    ['tags that do not match', -32700, () => good.replace('</methodName>', '</methodname>')],
    ['a call that is cut off', -32700, () => good.slice(0, -8)],
    ['a call that is cut off within a tag', -32700, () => good.slice(0, 60)],
    ['nothing', -32700, () => ''],
    ['blanks', -32700, () => ' \n '],
    ['JSON', -32700, () => '{"method":"pingback.ping"}'],
    ['bytes of control', -32700, () => '\u0000\u0001\u0002'],
  ])('%s', async (_name, code, write) => {
    await expectFault(code, write());
  });

  test('ten thousand nested arrays are more than a body may have', async () => {
    const answer = await xmlRpc(backtalk, inString(nested(10_000)));
    expect(answer.status).toBe(413);
    expect((await xmlRpc(backtalk, good)).fault).toBeNull();
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'a struct member %s is only a name',
    async (name) => {
      const struct = `<struct><member><name>${name}</name>${string('x')}</member><member><name>methodName</name>${string('system.listMethods')}</member></struct>`;
      const answer = await xmlRpc(
        backtalk,
        methodCall('system.multicall', param(`<value><array><data><value>${struct}</value></data></array></value>`)),
      );
      expect(answer.fault).toBeNull();
      expect(answer.text).toContain('pingback.ping');
      expect(await expectFault(-32601, methodCall(name))).toContain(name);
    },
  );

  test('the method name __proto__ in a multicall is an unknown method', async () => {
    const struct = `<struct><member><name>methodName</name>${string('__proto__')}</member></struct>`;
    const answer = await xmlRpc(
      backtalk,
      methodCall('system.multicall', param(`<value><array><data><value>${struct}</value></data></array></value>`)),
    );
    expect(answer.text).toContain('<int>-32601</int>');
  });

  test('fifty of the widest and deepest calls are answered', async () => {
    const bodies = [
      inString(nested(1_000)),
      `${'<value>'.repeat(2_000)}${'</x>'.repeat(12_000)}`,
      '<'.repeat(60_000),
      `<a ${'a '.repeat(30_000)}`,
      inString('&amp;'.repeat(13_000)),
    ];
    for (let i = 0; i < 50; i++) expect((await xmlRpc(backtalk, bodies[i % bodies.length] ?? '')).status).toBe(200);
  });
});

describe('real clients', () => {
  test('the npm package xmlrpc sends a ping, reads faults and lists', async () => {
    const source = newSource();
    expect(await clientCall('pingback.ping', [source, backtalk.post])).toContain('registered');
    await expect(clientCall('pingback.ping', [source, backtalk.post])).rejects.toMatchObject({ faultCode: 48 });
    await expect(clientCall('pingback.ping', [1, true])).rejects.toMatchObject({ faultCode: -32602 });
    await expect(clientCall('pingback.ping', [null, { a: [1.5, new Date(), Buffer.from('x')] }])).rejects.toMatchObject(
      {
        faultCode: -32602,
      },
    );
    expect(await clientCall('system.listMethods', [])).toContain('pingback.ping');
    expect(await clientCall('pingback.extensions.getPingbacks', [backtalk.post])).toEqual([]);
  });

  const script = `
import sys, xmlrpc.client
url, sources, target = sys.argv[1], sys.argv[2].split(), sys.argv[3]
for source, options in zip(sources, [{}, {"encoding": "iso-8859-1"}, {"allow_none": True}, {"use_builtin_types": True}]):
    server = xmlrpc.client.ServerProxy(url, **options)
    print(server.pingback.ping(source + "/\\u00e9", target))
server = xmlrpc.client.ServerProxy(url, allow_none=True)
for params in [(sources[0] + "/\\u00e9", target), (None, target), (1,), ("http://a.example/", "http://elsewhere.example/"), ({}, [])]:
    try:
        server.pingback.ping(*params)
    except xmlrpc.client.Fault as fault:
        print(fault.faultCode)
print(server.pingback.extensions.getPingbacks(target))
multi = xmlrpc.client.MultiCall(server)
multi.system.listMethods()
multi.no.such.method()
multi.system.getCapabilities()
results = multi()
print("pingback.ping" in results[0], results[2]["xmlrpc"]["specVersion"])
try:
    results[1]
except xmlrpc.client.Fault as fault:
    print(fault.faultCode)
`;
  test("Python's xmlrpc.client sends pings in its encodings, reads faults and multicalls", async (context) => {
    const run = promisify(execFile);
    const found = await run('python3', ['--version']).catch(() => null);
    if (found === null) return context.skip('there is no python3 on the PATH');
    const sources = [newSource(), newSource(), newSource(), newSource()];
    const { stdout } = await run('python3', ['-c', script, `${backtalk.url}/RPC2`, sources.join(' '), backtalk.post]);
    const registered = sources.map(
      (source) => `Pingback from ${source}/%C3%A9 to ${backtalk.post} registered. Keep the web talking! :-)`,
    );
    expect(stdout.trim().split('\n')).toEqual([
      ...registered,
      '48',
      '-32602',
      '-32602',
      '33',
      '-32602',
      '[]',
      'True 1',
      '-32601',
    ]);
  });
});
