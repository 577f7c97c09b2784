// P1 to P24 of pingback, as far as they concern a receiver. X1 to X11, the wire below, are in xmlrpc.test.ts.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linkingPage, methodCall, ofSource, pingCall, stringParam, xmlRpc } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

let made = 0;
const newSource = () => linkingPage(backtalk, `/ping-${++made}`);
const ping = (source: string, target = backtalk.post) => xmlRpc(backtalk, pingCall(source, target));
const faultOf = async (source: string, target?: string) => (await ping(source, target)).fault?.code ?? null;

/** Sends a ping and waits until its source has been looked at. */
async function verified(source: string, target?: string): Promise<Json> {
  expect(await faultOf(source, target)).toBeNull();
  return until(async () => (await ofSource(backtalk, source)).find(({ status }) => status !== 'received'));
}

/** A call of `system.multicall`: each entry is the XML of a value. */
const multicall = (...entries: string[]) =>
  methodCall('system.multicall', `<param><value><array><data>${entries.join('')}</data></array></value></param>`);
const member = (name: string, value: string) => `<member><name>${name}</name><value>${value}</value></member>`;
const array = (...values: string[]) =>
  `<array><data>${values.map((value) => `<value>${value}</value>`).join('')}</data></array>`;
const entry = (method: string, params?: string) =>
  `<value><struct>${member('methodName', method)}${params === undefined ? '' : member('params', params)}</struct></value>`;
const codesOf = (text: string) =>
  [...text.matchAll(/<name>faultCode<\/name>\s*<value><int>(-?\d+)</g)].map(([, code]) => Number(code));

test('P1: pingback.ping of two strings is answered with exactly one string', async () => {
  const { text, fault } = await ping(newSource());
  expect(fault).toBeNull();
  expect(text.replace(/>\s+</g, '><')).toMatch(
    /<methodResponse><params><param><value><string>[^<]+<\/string><\/value><\/param><\/params><\/methodResponse>$/,
  );
});

describe('P2: faults about what is ours', () => {
  test('0 for a source that is the target itself, whatever its fragment', async () => {
    expect(await faultOf(backtalk.post, backtalk.post)).toBe(0);
    expect(await faultOf(`${backtalk.post}#comments`)).toBe(0);
  });

  test.each([
    '',
    ' ',
    'alice',
    '/relative',
    'ftp://alice.example/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:text/html,x',
    'http://',
    'http://user:password@alice.example/',
    `http://alice.example/${'a'.repeat(2_000)}`,
  ])('0 for the source %j, which is no web address', async (source) => {
    expect(await faultOf(source)).toBe(0);
  });

  test.each([
    '',
    'bread',
    '/bread',
    'ftp://blog.example/bread',
    'http://elsewhere.example/',
    'http://sub.blog.example/bread',
    'http://blog.example.evil.example/',
  ])('33 for the target %j, which is none of ours', async (target) => {
    expect(await faultOf(newSource(), target)).toBe(33);
  });

  test('33 for a target that is closed, and 32 only for one that is known to be gone', async () => {
    const url = backtalk.web.url('blog.example', '/old');
    const { id } = await backtalk.send('/v1/targets', { url, state: 'closed' });
    expect(await faultOf(newSource(), url)).toBe(33);
    await backtalk.request('PATCH', `/v1/targets/${id}`, { body: JSON.stringify({ state: 'gone' }) });
    expect(await faultOf(newSource(), url)).toBe(32);
    expect(await faultOf(newSource(), `${url}#x`)).toBe(32);
    expect(await faultOf(newSource(), backtalk.web.url('blog.example', '/never-heard-of'))).toBeNull();
  });

  test('32 for a target whose page was found to answer 410', async () => {
    const url = backtalk.web.url('blog.example', '/deleted');
    backtalk.web.page('blog.example', '/deleted', (_, response) => void response.writeHead(410).end());
    expect(await faultOf(newSource(), url)).toBeNull();
    await until(async () => (await faultOf(newSource(), url)) === 32);
  });

  test('49 for a source on this service', async () => {
    expect(await faultOf(`${backtalk.url}/v1/published`)).toBe(49);
  });
});

test.each([
  ['-32700, not well formed', -32700, '<methodCall>'],
  ['-32701, unsupported encoding', -32701, '<?xml version="1.0" encoding="x-none"?><methodCall/>'],
  ['-32702, invalid character for the encoding', -32702, Buffer.from([0x3c, 0xe9, 0x3e])],
  ['-32600, not XML-RPC', -32600, '<methodCall><params/></methodCall>'],
  ['-32601, method not found', -32601, methodCall('pingback.pong')],
  ['-32602, invalid parameters', -32602, methodCall('pingback.ping')],
])('P3, P10: a fault of the transport has its code and HTTP 200: %s', async (_name, code, body) => {
  const { status, fault } = await xmlRpc(backtalk, body);
  expect([status, fault?.code]).toEqual([200, code]);
});

test('P4: a source that is no text is not taken for one that links', async () => {
  backtalk.web.page('alice.example', '/image', (_, response) => {
    response.writeHead(200, { 'content-type': 'image/png' }).end(`<a href="${backtalk.post}">bread</a>`);
  });
  expect(await verified(backtalk.web.url('alice.example', '/image'))).toMatchObject({ status: 'invalid' });
});

test('P9: the answer does not wait for the source, which may be waiting for the answer', async () => {
  const waiting: ServerResponse[] = [];
  backtalk.web.page('alice.example', '/busy', (_, response) => void waiting.push(response));
  const source = backtalk.web.url('alice.example', '/busy');
  expect(await faultOf(source)).toBeNull();
  await until(() => waiting.length > 0);
  expect(await ofSource(backtalk, source)).toMatchObject([{ status: 'received' }]);
  waiting[0]
    ?.writeHead(200, { 'content-type': 'text/html' })
    .end(`<title>x</title><a href="${backtalk.post}">bread</a>`);
  await until(async () => (await ofSource(backtalk, source))[0]?.status === 'held');
});

test.each(['received', 'held', 'approved', 'rejected', 'spam', 'invalid'])(
  'P11: a ping that is %s already is answered 48 when it is sent again, and stored once',
  async (status) => {
    const source = status === 'invalid' ? backtalk.web.url('alice.example', '/nolink.html') : newSource();
    const path = new URL(source).pathname;
    const waiting: ServerResponse[] = [];
    if (status === 'received') backtalk.web.page('alice.example', path, (_, response) => void waiting.push(response));
    expect(await faultOf(source)).toBeNull();
    if (status !== 'received') {
      const { id } = await until(async () =>
        (await ofSource(backtalk, source)).find((item) => item.status !== 'received'),
      );
      const action = { approved: 'approve', rejected: 'reject', spam: 'spam' }[status];
      if (action !== undefined) await backtalk.send(`/v1/submissions/${id}/${action}`);
    }
    expect((await ofSource(backtalk, source)).map((item) => item.status)).toEqual([status]);
    for (const repeat of [source, `${source}#fragment`]) expect(await faultOf(repeat)).toBe(48);
    for (const target of [`${backtalk.post}#more`, `${backtalk.post}/`, `${backtalk.post}?replytocom=7`])
      expect(await faultOf(source, target)).toBe(48);
    expect(await ofSource(backtalk, source)).toHaveLength(1);
    for (const response of waiting) response.end();
  },
);

test('P11: of the same ping ten times at once one is registered and nine are 48', async () => {
  const source = newSource();
  const codes = await Promise.all(Array.from({ length: 10 }, () => faultOf(source)));
  expect(codes.sort()).toEqual([...Array(9).fill(48), null]);
  expect(await ofSource(backtalk, source)).toHaveLength(1);
});

test('P11: the same source may ping another post', async () => {
  const source = newSource();
  expect(await faultOf(source)).toBeNull();
  expect(await faultOf(source, backtalk.web.url('blog.example', '/another'))).toBeNull();
});

test('P12: the first fetch waits as long as VERIFY_DELAY_MS says', async () => {
  const patient = await startTestService({ VERIFY_DELAY_MS: '3600000' });
  try {
    const source = linkingPage(patient, '/later');
    expect((await xmlRpc(patient, pingCall(source, patient.post))).fault).toBeNull();
    // The worker is at work: it has fetched what is due.
    await until(() => patient.web.visits('blog.example', '/bread') > 0);
    expect(patient.web.visits('alice.example', '/later')).toBe(0);
    patient.advance(3_600_000);
    await until(async () => (await ofSource(patient, source))[0]?.status === 'held');
    expect(patient.web.visits('alice.example', '/later')).toBe(1);
  } finally {
    await patient.stop();
  }
});

test('P12: a source that is not there yet is tried three times', async () => {
  backtalk.web.page('alice.example', '/unpublished', (_, response) => void response.writeHead(404).end());
  expect(await verified(backtalk.web.url('alice.example', '/unpublished'))).toMatchObject({ status: 'invalid' });
  expect(backtalk.web.visits('alice.example', '/unpublished')).toBe(3);
});

test('P13: by default all sources are answered alike, so that answers tell nothing about other servers', async () => {
  backtalk.web.page('alice.example', '/404', (_, response) => void response.writeHead(404).end());
  backtalk.web.page('alice.example', '/500', (_, response) => void response.writeHead(500).end());
  backtalk.web.page('alice.example', '/empty', '');
  const sources = [
    newSource(),
    ...['/404', '/500', '/empty', '/nolink.html?p13'].map((path) => backtalk.web.url('alice.example', path)),
    'http://127.0.0.1:1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]:22/',
    'http://localhost/',
    'http://no-such-host.invalid/',
  ];
  for (const source of sources) {
    const { text, fault } = await ping(source);
    expect(fault).toBeNull();
    expect(text).toContain(`Pingback from ${new URL(source).href} to ${backtalk.post} registered.`);
  }
});

describe('P14: with PINGBACK_DETAILED the answer tells what was wrong with the source', () => {
  let detailed: TestService;
  beforeAll(async () => {
    detailed = await startTestService({ PINGBACK_DETAILED: 'true', VERIFY_RETRY_MS: '3600000' });
    detailed.web.page('alice.example', '/404', (_, response) => void response.writeHead(404).end());
    detailed.web.page('alice.example', '/500', (_, response) => void response.writeHead(500).end());
  });
  afterAll(() => detailed.stop());

  test.each([
    ['16 for a source that does not exist', 16, '/404'],
    ['17 for a source without the link', 17, '/nolink.html'],
    ['50 for a source whose server fails', 50, '/500'],
  ])('%s', async (_name, code, path) => {
    const source = detailed.web.url('alice.example', path);
    expect((await xmlRpc(detailed, pingCall(source, detailed.post))).fault?.code).toBe(code);
    // It stays registered, and is tried again where that makes sense.
    expect((await xmlRpc(detailed, pingCall(source, detailed.post))).fault?.code).toBe(48);
  });

  test('a source that links is held by the time of the answer', async () => {
    const source = linkingPage(detailed, '/good');
    expect((await xmlRpc(detailed, pingCall(source, detailed.post))).fault).toBeNull();
    expect(await ofSource(detailed, source)).toMatchObject([{ status: 'held', title: 'On bread' }]);
  });

  test('a source that takes its time is not waited for', async () => {
    const waiting: ServerResponse[] = [];
    detailed.web.page('alice.example', '/slow', (_, response) => void waiting.push(response));
    expect(
      (await xmlRpc(detailed, pingCall(detailed.web.url('alice.example', '/slow'), detailed.post))).fault,
    ).toBeNull();
    expect(waiting).toHaveLength(1);
    for (const response of waiting) response.end();
  });
});

test('P15: an error page that links is not a source', async () => {
  backtalk.web.page('alice.example', '/error', (_, response) => {
    response
      .writeHead(404, { 'content-type': 'text/html' })
      .end(`<title>x</title><a href="${backtalk.post}">bread</a>`);
  });
  expect(await verified(backtalk.web.url('alice.example', '/error'))).toMatchObject({ status: 'invalid' });
});

test('P15: five redirects are followed, and a sixth is not', async () => {
  // Not in the words of other tests' pages, some of which were marked as spam.
  const page = `<title>Five doors</title><p>Through five doors to <a href="${backtalk.post}">that sourdough</a> and home.</p>`;
  backtalk.web.page('alice.example', '/hop-0', page);
  for (let hop = 1; hop <= 6; hop++) {
    const location = backtalk.web.url('alice.example', `/hop-${hop - 1}`);
    backtalk.web.page(
      'alice.example',
      `/hop-${hop}`,
      (_, response) => void response.writeHead(302, { location }).end(),
    );
  }
  expect(await verified(backtalk.web.url('alice.example', '/hop-5'))).toMatchObject({ status: 'held' });
  expect(await verified(backtalk.web.url('alice.example', '/hop-6'))).toMatchObject({ status: 'invalid' });
});

test('P17: &amp; in either parameter is decoded once more', async () => {
  const source = newSource();
  const target = backtalk.web.url('blog.example', '/page');
  expect(await faultOf(`${source}?a=1&amp;b=2`, `${target}?p=1&amp;q=2`)).toBeNull();
  expect(await ofSource(backtalk, `${source}?a=1&b=2`)).toMatchObject([{ target: `${target}?p=1&q=2` }]);
  expect(await faultOf(`${source}?a=1&b=2`, `${target}?p=1&q=2`)).toBe(48);
});

test("P19: success reads as WordPress's does", async () => {
  const source = newSource();
  expect((await ping(source)).text).toContain(
    `Pingback from ${source} to ${backtalk.post} registered. Keep the web talking! :-)`,
  );
});

describe('P20: pingback.extensions.getPingbacks', () => {
  const getPingbacks = (...params: string[]) =>
    xmlRpc(backtalk, methodCall('pingback.extensions.getPingbacks', ...params));

  test('gives the sources of approved pings only', async () => {
    const target = backtalk.web.url('blog.example', '/listed');
    const page = `<title>x</title><a href="${target}">listed</a>`;
    for (const path of ['/shown', '/held', '/refused']) backtalk.web.page('carol.example', path, page);
    const [shown, held, refused] = ['/shown', '/held', '/refused'].map((path) =>
      backtalk.web.url('carol.example', path),
    ) as [string, string, string];
    await verified(held, target);
    await backtalk.send(`/v1/submissions/${(await verified(shown, target)).id}/approve`);
    await backtalk.send(`/v1/submissions/${(await verified(refused, target)).id}/reject`);
    const { text, fault } = await getPingbacks(stringParam(target));
    expect(fault).toBeNull();
    expect([...text.matchAll(/<string>([^<]*)<\/string>/g)].map(([, url]) => url)).toEqual([shown]);
  });

  test('gives an empty array where there are none', async () => {
    const { text } = await getPingbacks(stringParam(backtalk.web.url('blog.example', '/lonely')));
    expect(text.replace(/\s/g, '')).toMatch(/<value><array><data(><\/data>|\/>)<\/array><\/value>/);
  });

  test('33 for a URL that is none of ours, 32 for a post that is gone, -32602 for anything but one string', async () => {
    const url = backtalk.web.url('blog.example', '/listed-then-gone');
    await backtalk.send('/v1/targets', { url, state: 'gone' });
    for (const [code, ...params] of [
      [33, stringParam('http://elsewhere.example/')],
      [33, stringParam('nonsense')],
      [32, stringParam(url)],
      [-32602],
      [-32602, '<param><value><int>1</int></value></param>'],
      [-32602, stringParam(url), stringParam(url)],
    ] as [number, ...string[]][])
      expect((await getPingbacks(...params)).fault?.code).toBe(code);
  });
});

test('P21: system.listMethods names every method', async () => {
  const { text } = await xmlRpc(backtalk, methodCall('system.listMethods'));
  expect([...text.matchAll(/<string>([^<]*)<\/string>/g)].map(([, name]) => name)).toEqual(
    expect.arrayContaining([
      'pingback.ping',
      'pingback.extensions.getPingbacks',
      'system.listMethods',
      'system.getCapabilities',
      'system.multicall',
    ]),
  );
});

test('P21: system.getCapabilities names the specifications and their versions', async () => {
  const text = (await xmlRpc(backtalk, methodCall('system.getCapabilities'))).text.replace(/\s*\n\s*/g, '');
  for (const [name, url, version] of [
    ['xmlrpc', 'http://www.xmlrpc.com/spec', 1],
    ['faults_interop', 'http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php', 20010516],
    ['system.multicall', 'http://www.xmlrpc.com/discuss/msgReader$1208', 1],
  ] as const)
    expect(text.replace(/>\s+</g, '><')).toContain(
      member(
        name,
        `<struct>${member('specUrl', `<string>${url}</string>`)}${member('specVersion', `<int>${version}</int>`)}</struct>`,
      ),
    );
});

test('P22: system.multicall runs each call: a result in an array of one, a fault as a struct', async () => {
  const source = newSource();
  const call = entry('pingback.ping', array(source, backtalk.post));
  const { text, fault } = await xmlRpc(
    backtalk,
    multicall(call, call, entry('no.such'), entry('pingback.ping', array(source))),
  );
  expect(fault).toBeNull();
  expect(codesOf(text)).toEqual([48, -32601, -32602]);
  expect(text.replace(/>\s+</g, '><')).toMatch(
    /<data><value><array><data><value><string>Pingback from [^<]+<\/string><\/value><\/data><\/array><\/value><value><struct>/,
  );
  expect(await ofSource(backtalk, source)).toHaveLength(1);
});

test('P22: a multicall within a multicall is forbidden', async () => {
  const { text } = await xmlRpc(
    backtalk,
    multicall(
      entry('system.multicall', array(array())),
      entry(' system.multicall ', array(array())),
      entry('system.listMethods'),
    ),
  );
  expect(codesOf(text)).toEqual([-32600, -32600]);
  expect(text).toContain('Recursive calls to system.multicall are forbidden');
  expect(text).toContain('pingback.ping');
});

test('P23: a multicall of anything but an array is -32600', async () => {
  const bodies = [
    methodCall('system.multicall'),
    methodCall('system.multicall', stringParam('x')),
    methodCall('system.multicall', '<param><value><struct></struct></value></param>'),
  ];
  for (const body of bodies) expect((await xmlRpc(backtalk, body)).fault?.code).toBe(-32600);
});

test('P23: an entry that is no call is -32600 by itself, and the others run', async () => {
  const odd = [
    '<value>text</value>',
    '<value><int>1</int></value>',
    '<value><nil/></value>',
    `<value>${array()}</value>`,
    '<value><struct></struct></value>',
    `<value><struct>${member('methodName', '<int>1</int>')}</struct></value>`,
  ];
  const { text, fault } = await xmlRpc(backtalk, multicall(...odd, entry('system.listMethods')));
  expect(fault).toBeNull();
  expect(codesOf(text)).toEqual(odd.map(() => -32600));
  expect(text).toContain('pingback.ping');
});

test('P23: missing params and params that are no array do not break a call', async () => {
  const { text, fault } = await xmlRpc(
    backtalk,
    multicall(
      entry('system.listMethods'),
      entry('system.listMethods', 'x'),
      entry('pingback.ping'),
      entry('pingback.ping', '<struct></struct>'),
    ),
  );
  expect(fault).toBeNull();
  expect(codesOf(text)).toEqual([-32602, -32602]);
});

test('S11: a multicall of more than ten calls is refused as a whole', async () => {
  const source = newSource();
  const calls = Array.from({ length: 11 }, () => entry('pingback.ping', array(source, backtalk.post)));
  expect((await xmlRpc(backtalk, multicall(...calls))).fault?.code).toBe(-32600);
  expect(await ofSource(backtalk, source)).toEqual([]);
});

test('P24: any number of parameters but two, and unknown methods, are faults with HTTP 200', async () => {
  const [one, two] = [stringParam(newSource()), stringParam(backtalk.post)];
  for (const [code, body] of [
    [-32602, methodCall('pingback.ping')],
    [-32602, methodCall('pingback.ping', one)],
    [-32602, methodCall('pingback.ping', one, two, two)],
    [-32602, '<methodCall><methodName>pingback.ping</methodName></methodCall>'],
    [-32601, methodCall('Pingback.Ping', one, two)],
    [-32601, methodCall('wp.getUsersBlogs', one, two)],
    [-32601, methodCall('demo.sayHello')],
  ] as const) {
    const { status, fault } = await xmlRpc(backtalk, body);
    expect([status, fault?.code]).toEqual([200, code]);
  }
});
