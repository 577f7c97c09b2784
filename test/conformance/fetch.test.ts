// S1 to S18, the rules of outbound requests, against servers on loopback. No test connects to anything else: public
// addresses appear only in the pure rule and where a fetch is refused before it connects.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isPublicAddress, parseAllowed } from '../../src/public-address.ts';
import { createSafeFetch, type FetchResult, type SafeFetchOptions } from '../../src/safe-fetch.ts';

const servers: Server[] = [];

// Closing waits for every connection: a socket that a fetch leaks fails the test here.
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
}, 5_000);

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** An HTTP server that keeps the requests it got; `at` is its address. */
async function serve(answer: RequestListener = (_request, response) => response.end('hello')) {
  const requests: IncomingMessage[] = [];
  const port = await listen(
    createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    }),
  );
  return { port, requests, at: `http://127.0.0.1:${port}` };
}

/** A server that writes what it likes. */
async function serveBytes(answer: (socket: Socket) => void) {
  const port = await listen(
    createSocketServer((socket) => {
      socket.on('error', () => {});
      socket.resume();
      answer(socket);
    }),
  );
  return { port, at: `http://127.0.0.1:${port}` };
}

/** Writes `piece` again and again, in small steps or as fast as it is read, until the other side closes. */
function drip(socket: Socket, piece: string) {
  const timer = setInterval(() => socket.write(piece), 5);
  socket.on('close', () => clearInterval(timer));
}

function flood(sink: ServerResponse, piece: Buffer) {
  const more = () => {
    while (!sink.destroyed && sink.write(piece));
  };
  sink.on('drain', more);
  more();
}

const loopback = [parseAllowed('127.0.0.0/8')];
const elsewhere = [parseAllowed('192.168.77.0/24')];

function fetcher(options: Partial<SafeFetchOptions> = {}) {
  return createSafeFetch({
    allow: loopback,
    userAgent: 'Backtalk/test (+https://backtalk.example/)',
    timeoutMs: 10_000,
    resolve: () => Promise.reject(new Error('no such name')),
    ...options,
  });
}

/** Plays the name server: each call gives the next list of addresses, the last one for ever. */
function names(...answers: string[][]) {
  return vi.fn(async (_hostname: string) => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return (answer ?? []).map((address) => ({ address, family: address.includes(':') ? (6 as const) : (4 as const) }));
  });
}

function reasonOf(result: FetchResult): string {
  return result.ok ? `status ${result.status}` : result.reason;
}

function page(result: FetchResult) {
  if (!result.ok) throw new Error(`${result.reason}: ${result.detail}`);
  return result;
}

const loopbackSpellings = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '127.0.0.1.',
  '%31%32%37.0.0.1',
  '127%2e0.0.1',
  '１２７.0.0.1',
  '127。0。0。1',
];
const otherInsideSpellings = [
  '0.0.0.0',
  '0',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::10.0.0.1]',
  '[64:ff9b:1::1]',
  '[2002:7f00:1::]',
  '[2002:c0a8:101::1]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '169.254.169.254',
  '168.63.129.16',
  '100.100.100.200',
  '10.0.0.1',
  '192.168.0.1',
  '172.16.0.1',
];

describe('addresses', () => {
  it.each(loopbackSpellings)(
    'S3: the literal %s is refused, and S5: fetched when loopback is allowed',
    async (host) => {
      const { port, requests } = await serve();
      expect(reasonOf(await fetcher({ allow: [] })(`http://${host}/`))).toBe('forbidden_address');
      expect(reasonOf(await fetcher({ allow: elsewhere })(`http://${host}:${port}/`))).toBe('forbidden_address');
      expect(requests).toHaveLength(0);
      expect(reasonOf(await fetcher()(`http://${host}:${port}/`))).toBe('status 200');
    },
  );

  it.each(otherInsideSpellings)('S3: the literal %s is refused before anything is connected to', async (host) => {
    for (const url of [`http://${host}/`, `https://${host}/`, `http://${host}:8080/`]) {
      const result = await fetcher({ allow: [] })(url);
      expect(reasonOf(result)).toBe('forbidden_address');
      expect(result.hops[0]?.address).toBeUndefined();
    }
  });

  const blocked = [
    '0.0.0.0-0.255.255.255',
    '10.0.0.0-10.255.255.255',
    '100.64.0.0-100.127.255.255',
    '127.0.0.0-127.255.255.255',
    '169.254.0.0-169.254.255.255',
    '172.16.0.0-172.31.255.255',
    '192.0.0.0-192.0.0.255',
    '192.0.2.0-192.0.2.255',
    '192.31.196.0-192.31.196.255',
    '192.52.193.0-192.52.193.255',
    '192.88.99.0-192.88.99.255',
    '192.168.0.0-192.168.255.255',
    '192.175.48.0-192.175.48.255',
    '198.18.0.0-198.19.255.255',
    '198.51.100.0-198.51.100.255',
    '203.0.113.0-203.0.113.255',
    '224.0.0.0-239.255.255.255',
    '240.0.0.0-255.255.255.255',
    '168.63.129.16-168.63.129.16',
    '::-::1',
    '::2-::ffff:ffff',
    '::8.8.8.8-::8.8.8.8',
    '::ffff:10.0.0.0-::ffff:10.255.255.255',
    '64:ff9b::10.0.0.0-64:ff9b::10.255.255.255',
    '64:ff9b:1::-64:ff9b:1:ffff:ffff:ffff:ffff:ffff',
    '64:ff9b:1::8.8.8.8-64:ff9b:1::8.8.8.8',
    '100::-100::ffff:ffff:ffff:ffff',
    '100:0:0:1::-1fff:ffff::',
    '2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
    '2002:a00::-2002:aff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2002:a83f:8110::-2002:a83f:8110::1',
    '3fff::-3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff',
    '4000::-5eff::',
    '5f00::-5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fec0::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ];
  it.each(blocked)('S4: %s is not public, and a name that resolves there is refused', async (range) => {
    for (const address of range.split('-')) {
      expect(isPublicAddress(address), address).toBe(false);
      const result = await fetcher({ allow: [], resolve: names([address]) })('http://blog.example/');
      expect(reasonOf(result), address).toBe('forbidden_address');
      expect(result.hops[0]?.address).toBeUndefined();
    }
  });

  const open =
    '1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 172.15.255.255 ' +
    '172.32.0.0 192.0.1.0 192.169.0.0 198.20.0.0 223.255.255.255 168.63.129.15 2606:4700:4700::1111 2001:200::1 ' +
    '2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1';
  it.each(open.split(' '))('S4: %s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it('S4: what Node does not take for an address is not public', () => {
    for (const text of ['', 'localhost', '8.8.8', '0x08080808', '134744072', '8.8.8.8:80', '[2606:4700::1]']) {
      expect(isPublicAddress(text), text).toBe(false);
    }
  });

  it('S2: of mixed answers one address that is not public refuses all', async () => {
    const mixed = [
      ['1.1.1.1', '10.0.0.1'],
      ['127.0.0.1', '1.1.1.1'],
      ['2606:4700:4700::1111', '1.1.1.1', '::ffff:127.0.0.1'],
    ];
    for (const answer of mixed) {
      const result = await fetcher({ allow: [], resolve: names(answer) })('https://blog.example/');
      expect(reasonOf(result)).toBe('forbidden_address');
      expect(result.hops).toEqual([{ url: 'https://blog.example/' }]);
    }
  });

  it('S2: the address that was checked is connected to, without a second resolution', async () => {
    const { port } = await serve();
    const resolve = names(['127.0.0.1'], ['127.0.0.2']);
    const result = page(await fetcher({ resolve })(`http://rebind.example:${port}/`));
    expect(resolve.mock.calls).toEqual([['rebind.example']]);
    expect(result.hops).toEqual([{ url: `http://rebind.example:${port}/`, address: '127.0.0.1', status: 200 }]);
  });

  it('S2: a name is resolved and checked once for each hop', async () => {
    const { port, requests } = await serve((_request, response) => response.writeHead(302, { location: '/b' }).end());
    const resolve = names(['127.0.0.1'], ['127.0.0.2']);
    const safeFetch = fetcher({ allow: [parseAllowed('127.0.0.1')], resolve });
    expect(reasonOf(await safeFetch(`http://rebind.example:${port}/a`))).toBe('forbidden_address');
    expect(resolve).toHaveBeenCalledTimes(2);
    expect(requests).toHaveLength(1);
  });

  it('S2: the next checked address is tried when one does not answer', async () => {
    const { port } = await serve();
    const result = await fetcher({ resolve: names(['127.0.0.2', '127.0.0.1']) })(`http://blog.example:${port}/`);
    expect(page(result).hops[0]?.address).toBe('127.0.0.1');
  });

  it('S3: the address of the socket is checked again before anything is sent', async () => {
    const { port, requests } = await serve();
    // Linux connects 0.0.0.0 to 127.0.0.1, which is not the address that was allowed.
    const result = await fetcher({ allow: [parseAllowed('0.0.0.0')] })(`http://0.0.0.0:${port}/`);
    expect(reasonOf(result)).toBe('forbidden_address');
    expect(requests).toHaveLength(0);
  });

  it('S3: the system resolver finds localhost, which is refused unless allowed', async () => {
    const { port, requests } = await serve();
    const options = { userAgent: 'Backtalk/test' };
    for (const host of ['localhost', 'LOCALHOST']) {
      const refused = await createSafeFetch({ ...options, allow: elsewhere })(`http://${host}:${port}/`);
      expect(reasonOf(refused)).toBe('forbidden_address');
    }
    expect(requests).toHaveLength(0);
    const allow = [...loopback, parseAllowed('::1')];
    expect(reasonOf(await createSafeFetch({ ...options, allow })(`http://localhost:${port}/`))).toBe('status 200');
  });

  it('S6: a name without addresses, and one that no server knows, are unresolvable', async () => {
    expect(reasonOf(await fetcher()('http://nowhere.example/'))).toBe('unresolvable');
    expect(reasonOf(await fetcher({ resolve: names([]) })('http://nowhere.example/'))).toBe('unresolvable');
  });
});

describe('the allow list', () => {
  it('S5: an entry with a port opens that port alone', async () => {
    const { port, at, requests } = await serve();
    const other = port === 65_535 ? 65_534 : port + 1;
    for (const allow of [[], [parseAllowed(`127.0.0.1/32:${other}`)]]) {
      expect(reasonOf(await fetcher({ allow })(at))).toBe('forbidden_port');
    }
    const mixed = [parseAllowed(`127.0.0.1/32:${other}`), ...elsewhere];
    expect(reasonOf(await fetcher({ allow: mixed })(at))).toBe('forbidden_address');
    expect(reasonOf(await fetcher({ allow: [parseAllowed(`127.0.0.2:${port}`)] })(at))).toBe('forbidden_address');
    expect(requests).toHaveLength(0);
    for (const entry of [`127.0.0.1:${port}`, `127.0.0.1/32:${port}`, `127.0.0.0/8:${port}`]) {
      expect(reasonOf(await fetcher({ allow: [parseAllowed(entry)] })(at)), entry).toBe('status 200');
    }
  });

  it('S5: a NAT64, 6to4 or IPv4-compatible address is not let in by the IPv4 network it embeds', async () => {
    for (const host of ['[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[::127.0.0.1]']) {
      expect(reasonOf(await fetcher()(`http://${host}/`))).toBe('forbidden_address');
    }
  });

  it.each([
    ['127.0.0.0/8', { address: '127.0.0.0', prefixLength: 8 }],
    ['127.0.0.1/32:8080', { address: '127.0.0.1', prefixLength: 32, port: 8080 }],
    ['10.0.0.5', { address: '10.0.0.5', prefixLength: 32 }],
    ['10.0.0.5:81', { address: '10.0.0.5', prefixLength: 32, port: 81 }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefixLength: 0 }],
    ['[::1]/128:8080', { address: '::1', prefixLength: 128, port: 8080 }],
    ['[::1]:8080', { address: '::1', prefixLength: 128, port: 8080 }],
    ['::1/128', { address: '::1', prefixLength: 128 }],
    ['::1', { address: '::1', prefixLength: 128 }],
    ['::10.0.0.1', { address: '::a00:1', prefixLength: 128 }],
    ['FD00::/8', { address: 'fd00::', prefixLength: 8 }],
  ])('S5: %s is an allowed network', (text, network) => {
    expect(parseAllowed(text)).toEqual(network);
  });

  it.each([
    ['', 'not an allowed network'],
    ['localhost', 'not an allowed network'],
    ['127.1', 'not an allowed network'],
    ['010.0.0.1', 'not an allowed network'],
    ['10.0.0.0/8/8', 'not an allowed network'],
    ['10.0.0.0/-1', 'not an allowed network'],
    ['[10.0.0.1]:80', 'not an allowed network'],
    ['[::1', 'not an allowed network'],
    ['fe80::1%eth0', 'not an allowed network'],
    ['10.0.0.1:99999', 'between 1 and 65535'],
    ['10.0.0.1:0', 'between 1 and 65535'],
    ['10.0.0.0/33', 'at most 32'],
    ['::/129', 'at most 128'],
    ['10.0.0.5/8', '10.0.0.0/8'],
    ['::ffff:10.0.0.1', 'IPv4 form'],
    ['::ffff:a00:0/104', 'IPv4 form'],
  ])('S5: %j is refused as an allowed network', (text, message) => {
    expect(() => parseAllowed(text)).toThrow(message);
  });
});

describe('URLs', () => {
  it.each([
    ['', 'bad_url'],
    ['/path', 'bad_url'],
    ['http://', 'bad_url'],
    ['http://256.0.0.1/', 'bad_url'],
    ['http://[::1/', 'bad_url'],
    ['http://[fe80::1%25eth0]/', 'bad_url'],
    [`http://blog.example/${'a'.repeat(3_000)}`, 'bad_url'],
    ['http://user@blog.example/', 'bad_url'],
    ['http://user:secret@blog.example/', 'bad_url'],
    ['http://:secret@blog.example/', 'bad_url'],
    ['ftp://blog.example/', 'forbidden_scheme'],
    ['file:///etc/passwd', 'forbidden_scheme'],
    ['gopher://blog.example/', 'forbidden_scheme'],
    ['data:text/html,hello', 'forbidden_scheme'],
    ['javascript:alert(1)', 'forbidden_scheme'],
    ['http://blog.example:22/', 'forbidden_port'],
    ['http://blog.example:0/', 'forbidden_port'],
    ['https://blog.example:6379/', 'forbidden_port'],
  ])('S6: %s is refused as %s, without a resolution', async (url, reason) => {
    const resolve = names(['10.0.0.1']);
    const result = await fetcher({ allow: [], resolve })(url);
    expect(reasonOf(result)).toBe(reason);
    expect(JSON.stringify(result)).not.toContain('secret');
    expect(resolve).not.toHaveBeenCalled();
  });

  it('S6: a public address on another port is refused even if a network is allowed on all ports', async () => {
    const result = await fetcher({ resolve: names(['1.1.1.1']) })('http://blog.example:22/');
    expect(reasonOf(result)).toBe('forbidden_port');
    expect(result.hops[0]?.address).toBeUndefined();
  });

  it('S18: an own host is refused by name, by address and after a redirect; another port of it is not', async () => {
    const { port, at, requests } = await serve((_request, response) =>
      response.writeHead(302, { location: 'http://backtalk.example/status/1' }).end(),
    );
    const resolve = names(['127.0.0.1']);
    const refuse = (...refuseHosts: string[]) => fetcher({ resolve, refuseHosts });
    for (const url of ['http://backtalk.example/', 'https://BACKTALK.example./', 'http://backtalk.example:8080/x']) {
      expect(reasonOf(await refuse('backtalk.example')(url))).toBe('own_host');
    }
    expect(resolve).not.toHaveBeenCalled();
    expect(reasonOf(await refuse(`127.0.0.1:${port}`)(at))).toBe('own_host');
    expect(reasonOf(await refuse('127.0.0.1')(`http://alias.example:${port}/`))).toBe('own_host');
    expect(requests).toHaveLength(0);
    expect(reasonOf(await refuse('backtalk.example', '127.0.0.1:1')(at))).toBe('own_host');
    expect(requests).toHaveLength(1);
    expect(() => refuse('not a host')).toThrow();
  });
});

describe('redirects', () => {
  const redirectTo = (location: string, status = 302) =>
    serve((request, response) => {
      if (request.url === '/end?a=1') response.end('the end');
      else response.writeHead(status, { location }).end('elsewhere');
    });

  it.each([301, 302, 303, 307, 308])(
    'W6: a redirect with status %i and a relative Location is followed',
    async (status) => {
      const { at } = await redirectTo('../end?a=1#part', status);
      const result = page(await fetcher()(`${at}/a/b#top`));
      expect(result).toMatchObject({ url: `${at}/end?a=1`, status: 200, body: Buffer.from('the end') });
      expect(result.hops).toEqual([
        { url: `${at}/a/b`, address: '127.0.0.1', status },
        { url: `${at}/end?a=1`, address: '127.0.0.1', status: 200 },
      ]);
    },
  );

  it.each([
    ['http://10.0.0.1/', 'forbidden_address'],
    ['//169.254.169.254/latest/meta-data/', 'forbidden_address'],
    ['http://[::1]/', 'forbidden_address'],
    ['http://inside.example/', 'forbidden_address'],
    ['http://1.1.1.1:25/', 'forbidden_port'],
    ['file:///etc/passwd', 'forbidden_scheme'],
    ['http://user:secret@blog.example/', 'bad_url'],
    ['http://[', 'bad_redirect'],
    [`/${'a'.repeat(3_000)}`, 'bad_redirect'],
  ])('S6: a redirect to %s is refused as %s', async (location, reason) => {
    const { at, requests } = await redirectTo(location);
    const result = await fetcher({ resolve: names(['10.0.0.1']) })(at);
    expect(reasonOf(result)).toBe(reason);
    expect(requests).toHaveLength(1);
  });

  it('S6: two Locations are refused; a redirect without one is a response', async () => {
    const two = await serveBytes((socket) => socket.end('HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n'));
    expect(reasonOf(await fetcher()(two.at))).toBe('bad_redirect');
    const none = await serve((_request, response) => response.writeHead(302).end());
    expect(reasonOf(await fetcher()(none.at))).toBe('status 302');
  });

  it('S6: a Location in UTF-8 is followed', async () => {
    const { at, requests } = await serve((request, response) => {
      if (request.url !== '/') response.end();
      else response.writeHead(302, { location: Buffer.from('/é').toString('latin1') }).end();
    });
    page(await fetcher()(at));
    expect(requests[1]?.url).toBe('/%C3%A9');
  });

  it('S6: five redirects are followed and the sixth is not', async () => {
    const { at, requests } = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end();
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    expect(page(await fetcher()(`${at}/5`)).hops).toHaveLength(6);
    requests.length = 0;
    expect(reasonOf(await fetcher()(`${at}/6`))).toBe('too_many_redirects');
    expect(requests).toHaveLength(6);
    expect(reasonOf(await fetcher({ maxRedirects: 0 })(`${at}/1`))).toBe('too_many_redirects');
    expect(page(await fetcher({ maxRedirects: 20 })(`${at}/20`)).hops).toHaveLength(21);
  });

  it('S18: a circle of redirects ends where it closes', async () => {
    const { at, requests } = await serve((request, response) =>
      response.writeHead(302, { location: request.url === '/a' ? '/b' : '/a#again' }).end(),
    );
    expect(reasonOf(await fetcher()(`${at}/a`))).toBe('too_many_redirects');
    expect(requests).toHaveLength(2);
  });
});

describe('what is sent', () => {
  it('S6: no cookies, credentials or Referer, on no hop, and a connection of its own for each', async () => {
    const { at, requests } = await serve((request, response) => {
      response.setHeader('set-cookie', 'a=b; Path=/');
      if (request.url === '/') response.writeHead(302, { location: '/end' });
      response.end();
    });
    const safeFetch = fetcher();
    page(await safeFetch(at));
    page(await safeFetch(`${at}/end`));
    expect(requests).toHaveLength(3);
    const sent = requests.map((request) => Object.keys(request.headers).sort());
    const expected = ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'];
    expect(sent).toEqual([expected, expected, expected]);
    expect(new Set(requests.map((request) => request.headers.connection))).toEqual(new Set(['close']));
    expect(requests.map((request) => request.method)).toEqual(['GET', 'GET', 'GET']);
  });

  it('S6: a proxy in the environment is not used', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy', 'NODE_USE_ENV_PROXY']) {
      vi.stubEnv(name, 'http://127.0.0.1:1/');
    }
    const { at } = await serve();
    expect(page(await fetcher()(at)).body.toString()).toBe('hello');
  });

  it('S6: a caller can add headers, but not those that are not its own to set', async () => {
    const { at, requests } = await serve();
    page(await fetcher()(at, { headers: { 'If-None-Match': '"a"', 'X-Pingback-Forwarded-For': '192.0.2.7' } }));
    expect(requests[0]?.headers).toMatchObject({ 'if-none-match': '"a"', 'x-pingback-forwarded-for': '192.0.2.7' });
    for (const name of ['Cookie', 'authorization', 'Host', 'Referer', 'Proxy-Authorization', 'Content-Length']) {
      await expect(fetcher()(at, { headers: { [name]: 'x' } })).rejects.toThrow(name);
    }
  });

  it('P18: the User-Agent says what is verified, and for whom', async () => {
    const { at, requests } = await serve();
    const product = 'Backtalk/test (+https://backtalk.example/)';
    const agents = async (request: Parameters<ReturnType<typeof fetcher>>[1]) => {
      await fetcher()(at, request);
      return requests.at(-1)?.headers['user-agent'];
    };
    expect(await agents({})).toBe(product);
    const purpose = 'verifying pingback';
    expect(await agents({ purpose })).toBe(`${product}; verifying pingback`);
    expect(await agents({ purpose, requestedBy: '192.0.2.7' })).toBe(`${product}; verifying pingback from 192.0.2.7`);
    expect(await agents({ purpose, requestedBy: '2001:db8::7' })).toBe(
      `${product}; verifying pingback from 2001:db8::7`,
    );
    expect(await agents({ purpose, requestedBy: 'x\r\nCookie: a=b' })).toBe(`${product}; verifying pingback`);
  });

  it('W6: an Accept header that prefers HTML is sent, or the one asked for', async () => {
    const { at, requests } = await serve();
    await fetcher()(at);
    await fetcher()(at, { accept: 'application/json' });
    expect(requests.map((request) => request.headers.accept)).toEqual([
      'text/html, application/xhtml+xml;q=0.9, application/json;q=0.8, text/plain;q=0.7, */*;q=0.1',
      'application/json',
    ]);
  });
});

describe('responses', () => {
  it.each([200, 204, 304, 404, 410, 500])('P15: the status %i is a value for the caller to judge', async (status) => {
    const { at } = await serve((_request, response) => response.writeHead(status).end());
    expect(page(await fetcher()(at))).toMatchObject({ status, truncated: false, body: Buffer.alloc(0) });
  });

  it('W6: the headers that callers use come along, unless they are not printable ASCII', async () => {
    const { at } = await serve((_request, response) => {
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        etag: '"caf\xe9"',
        'last-modified': 'Sat, 02 Jan 2021 00:00:00 GMT',
        link: ['</a>; rel=webmention', '</b>; rel=next'],
        'retry-after': '120',
        server: 'x',
      });
      response.end();
    });
    expect(page(await fetcher()(at)).headers).toEqual({
      contentType: 'text/html; charset=utf-8',
      lastModified: 'Sat, 02 Jan 2021 00:00:00 GMT',
      link: '</a>; rel=webmention, </b>; rel=next',
      retryAfter: '120',
    });
  });

  const text = 'hello, '.repeat(5_000);
  it.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
    ['identity, gzip', gzipSync(text)],
  ])('S10: a body in %s is decoded', async (encoding, bytes) => {
    const { at } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(bytes);
    });
    const result = page(await fetcher()(at));
    expect(result.body.toString() === text).toBe(true);
    expect(result.truncated).toBe(false);
  });

  it('S10: an empty body, and one cut short, are taken for what they are', async () => {
    const whole = gzipSync(text);
    const { at } = await serve((request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(request.url === '/' ? '' : whole.subarray(0, -20));
    });
    expect(page(await fetcher()(at)).body).toHaveLength(0);
    expect(text.startsWith(page(await fetcher()(`${at}/cut`)).body.toString())).toBe(true);
  });

  it.each(['gzip, gzip', 'gzip,br', Array(50).fill('gzip').join(', '), 'zstd', 'compress', 'chunked'])(
    'S10: the content encoding %s is refused',
    async (encoding) => {
      const { at } = await serve((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync(gzipSync(text)));
      });
      expect(reasonOf(await fetcher()(at))).toBe('bad_encoding');
    },
  );

  it('S10: two headers of content encoding are stacked encodings', async () => {
    const { at } = await serveBytes((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\n\r\nx'),
    );
    expect(reasonOf(await fetcher()(at))).toBe('bad_encoding');
  });

  it.each(['gzip', 'deflate', 'br'])('S10: a body that is not %s but says so is refused', async (encoding) => {
    const { at } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end('<html>this is plain text</html>'.repeat(100));
    });
    expect(reasonOf(await fetcher()(at))).toBe('bad_encoding');
  });

  it('S8: a connection that is refused, one that is dropped and one that speaks no HTTP are values', async () => {
    const { at, port } = await serve();
    await new Promise((closed) => servers.pop()?.close(closed));
    expect(reasonOf(await fetcher()(at))).toBe('refused');
    expect(reasonOf(await fetcher({ resolve: names(['127.0.0.1', '127.0.0.2']) })(`http://b.example:${port}/`))).toBe(
      'refused',
    );
    const dropped = await serveBytes((socket) => socket.destroy());
    expect(reasonOf(await fetcher()(dropped.at))).toBe('network');
    for (const bytes of [
      'SSH-2.0-OpenSSH_9.6\r\n',
      'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ]) {
      const other = await serveBytes((socket) => socket.end(bytes));
      expect(reasonOf(await fetcher()(other.at))).toBe('network');
    }
    const short = await serveBytes((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'));
    expect(reasonOf(await fetcher()(short.at))).toBe('network');
    const plain = await serve();
    expect(reasonOf(await fetcher()(`https://127.0.0.1:${plain.port}/`))).toBe('network');
  });
});

describe('limits', () => {
  it('S10: exactly maxBytes are kept whole; one more is cut off', async () => {
    const { at } = await serve((request, response) => response.end(Buffer.alloc(Number(request.url?.slice(1)), 'a')));
    const safeFetch = fetcher({ maxBytes: 1_000 });
    expect(page(await safeFetch(`${at}/999`))).toMatchObject({ body: Buffer.alloc(999, 'a'), truncated: false });
    expect(page(await safeFetch(`${at}/1000`))).toMatchObject({ body: Buffer.alloc(1_000, 'a'), truncated: false });
    expect(page(await safeFetch(`${at}/1001`))).toMatchObject({ body: Buffer.alloc(1_000, 'a'), truncated: true });
  });

  it('S10: an endless body is cut off and its connection closed', async () => {
    let closed: Promise<unknown> = Promise.reject(new Error('no request'));
    closed.catch(() => {});
    const { at } = await serve((_request, response) => {
      closed = once(response, 'close');
      flood(response, Buffer.alloc(16_384, 'a'));
    });
    const result = page(await fetcher({ maxBytes: 100_000 })(at));
    expect(result.body.equals(Buffer.alloc(100_000, 'a'))).toBe(true);
    expect(result.truncated).toBe(true);
    await closed;
  });

  const zeros = Buffer.alloc(30_000_000);
  it.each([
    ['gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['br', brotliCompressSync(zeros)],
  ])('S10: of a %s bomb maxBytes are kept', async (encoding, bomb) => {
    const { at } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(bomb);
    });
    expect(bomb.length).toBeLessThan(100_000);
    const result = page(await fetcher({ maxBytes: 100_000 })(at));
    expect(result.body).toHaveLength(100_000);
    expect(result.truncated).toBe(true);
  });

  it('S10: compressed input that decodes to nothing, without end, is cut off', async () => {
    const nothing = Buffer.concat(Array<Buffer>(500).fill(gzipSync('')));
    const { at } = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      flood(response, nothing);
    });
    expect(page(await fetcher({ maxBytes: 10_000 })(at))).toMatchObject({ body: Buffer.alloc(0), truncated: true });
  });

  it('S10: a body in chunks of one byte is kept like any other', async () => {
    const chunks = '1\r\na\r\n'.repeat(50_000);
    const { at } = await serveBytes((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`),
    );
    const result = page(await fetcher({ maxBytes: 40_000 })(at));
    expect(result.body.equals(Buffer.alloc(40_000, 'a'))).toBe(true);
    expect(result.truncated).toBe(true);
  });

  it.each([
    ['one long header', `X-A: ${'a'.repeat(20_000)}\r\n`],
    ['many headers', 'X-A: aaaaaaaaaaaaaaaa\r\n'.repeat(1_000)],
    ['a long Location', `Location: /${'a'.repeat(20_000)}\r\n`],
  ])('S10: more than 16 KB of headers are refused: %s', async (_name, headers) => {
    const { at } = await serveBytes((socket) => socket.end(`HTTP/1.1 200 OK\r\n${headers}\r\n`));
    expect(reasonOf(await fetcher()(at))).toBe('header_too_large');
    expect(reasonOf(await fetcher({ maxHeaderBytes: 64_000 })(at))).toBe('status 200');
  });

  it('S10: the total time ends dripped headers, a dripped body and a compressed one', async () => {
    const start = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n';
    const status = await serveBytes((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      drip(socket, 'X: y\r\n');
    });
    const body = await serveBytes((socket) => {
      socket.write(`${start}\r\n`);
      drip(socket, '1\r\na\r\n');
    });
    const gzip = await serveBytes((socket) => {
      socket.write(`${start}Content-Encoding: gzip\r\n\r\n14\r\n`);
      socket.write(gzipSync('a').subarray(0, 20));
      socket.write('\r\n');
    });
    const silent = await serveBytes(() => {});
    const safeFetch = fetcher({ timeoutMs: 200 });
    const results = await Promise.all([status, body, gzip, silent].map(({ at }) => safeFetch(at)));
    expect(results.map(reasonOf)).toEqual(['timeout', 'timeout', 'timeout', 'timeout']);
    expect(results.map(({ hops }) => hops[0]?.status)).toEqual([undefined, 200, 200, undefined]);
  });

  it('S10: interim responses without end are ended by the total time', async () => {
    const { at } = await serveBytes((socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'));
    expect(reasonOf(await fetcher({ timeoutMs: 200 })(at))).toBe('timeout');
  });

  it('S10: all redirects together have the total time', async () => {
    const { at, requests } = await serve((request, response) => {
      setTimeout(() => response.writeHead(302, { location: `${request.url}a` }).end(), 60);
    });
    expect(reasonOf(await fetcher({ timeoutMs: 200, maxRedirects: 100 })(at))).toBe('timeout');
    expect(requests.length).toBeLessThan(5);
  });

  it('S10: a resolver that does not answer is ended by the total time', async () => {
    const resolve = () => new Promise<never>(() => {});
    expect(reasonOf(await fetcher({ timeoutMs: 100, resolve })('http://blog.example/'))).toBe('timeout');
  });

  it('S10: a TLS handshake that does not come to an end is a connection that takes too long', async () => {
    const { port } = await serveBytes(() => {});
    const result = await fetcher({ connectTimeoutMs: 100 })(`https://127.0.0.1:${port}/`);
    expect(result).toMatchObject({ ok: false, reason: 'timeout', detail: expect.stringContaining('CONNECT_TIMEOUT') });
  });
});
