// One GET over one connection to addresses that were checked before: pinned to them, decoded, limited. Part of
// safe-fetch, which alone may call it: knows no rules of its own, resolves nothing and follows no redirect.
import { isIP, type LookupFunction } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { buildConnector, Client } from 'undici';

/** Why there is no response. `network` is what has no word of its own: a reset, bad TLS, something that is not HTTP. */
export type FetchFailure =
  | 'bad_url'
  | 'forbidden_scheme'
  | 'forbidden_port'
  | 'forbidden_address'
  | 'own_host'
  | 'unresolvable'
  | 'refused'
  | 'timeout'
  | 'too_many_redirects'
  | 'bad_redirect'
  | 'header_too_large'
  | 'bad_encoding'
  | 'network';

/** Carries an expected outcome up to `createSafeFetch`, which makes it a value. */
export class Failure extends Error {
  readonly reason: FetchFailure;

  constructor(reason: FetchFailure, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** The response headers that callers use, as sent. Only printable ASCII: others are left out. */
export interface FetchedHeaders {
  readonly contentType?: string;
  readonly etag?: string;
  readonly lastModified?: string;
  readonly link?: string;
  readonly retryAfter?: string;
}

/** What a GET came to: a place to go on to, its body unread, or a response. */
export type Got = { readonly location: string } | Page;

/** A response as `safeFetch` gives it. */
export interface Page {
  readonly status: number;
  readonly headers: FetchedHeaders;
  readonly body: Buffer;
  /** Whether there was more body than `maxBytes`. */
  readonly truncated: boolean;
}

export interface PinnedGet {
  readonly url: URL;
  /** The only addresses that are connected to; at least one. */
  readonly addresses: readonly string[];
  readonly headers: Record<string, string>;
  readonly connectTimeoutMs: number;
  readonly maxBytes: number;
  readonly maxHeaderBytes: number;
  /** The deadline: ends everything. */
  readonly signal: AbortSignal;
  /** Told the socket's address before anything is sent (S3); refuses it by throwing. */
  readonly onConnect: (address: string) => void;
  /** Told the status as soon as it is known: the body may fail still. */
  readonly onStatus: (status: number) => void;
}

/** Sends one request on a connection of its own, closed on return. Throws a `Failure` or what the network threw. */
export async function pinnedGet(get: PinnedGet): Promise<Got> {
  get.signal.throwIfAborted();
  const end = new AbortController();
  const stop = () => end.abort();
  get.signal.addEventListener('abort', stop);
  const client = new Client(get.url.origin, {
    connect: pinnedConnector(get, end.signal),
    maxHeaderSize: get.maxHeaderBytes,
    // The deadline covers both, and undici counts them anew with every read.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Asks the server to close the connection.
    pipelining: 0,
  });
  try {
    const { statusCode, headers, body } = await client.request({
      method: 'GET',
      path: get.url.pathname + get.url.search,
      headers: get.headers,
      signal: end.signal,
    });
    // A body that is not read to its end is broken off below, which is no error here.
    body.on('error', () => {});
    get.onStatus(statusCode);
    if (redirects.has(statusCode) && headers.location !== undefined) return { location: locationOf(headers.location) };
    const read = await readBody(body, encodingOf(headers['content-encoding']), get.maxBytes);
    return { status: statusCode, headers: readHeaders(headers), ...read };
  } finally {
    // Ends a connection that is still being made as well, which destroying the client does not.
    stop();
    get.signal.removeEventListener('abort', stop);
    await client.destroy();
  }
}

/** What a thrown error of `pinnedGet` means; `undefined` if it is none of the network's. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === '' ? undefined : new Failure(reasonOf(code), `${code}: ${(error as Error).message}`);
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const headerNames: Record<keyof FetchedHeaders, string> = {
  contentType: 'content-type',
  etag: 'etag',
  lastModified: 'last-modified',
  link: 'link',
  retryAfter: 'retry-after',
};

function pinnedConnector(get: PinnedGet, signal: AbortSignal): buildConnector.connector {
  const { addresses, connectTimeoutMs, onConnect } = get;
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  const lookup: LookupFunction = (_hostname, { all }, done) => {
    const [first] = answers;
    if (all || first === undefined) done(null, answers);
    else done(null, first.address, first.family);
  };
  const options = { lookup, timeout: connectTimeoutMs, maxCachedSessions: 0, signal };
  const connect = buildConnector(options as buildConnector.BuildOptions);
  return (target, done) =>
    connect(target, (error, socket) => {
      if (error !== null) {
        done(error, null);
        return;
      }
      try {
        if (socket.remoteAddress === undefined) throw new Failure('network', 'the connection was closed at once');
        onConnect(socket.remoteAddress);
      } catch (refusal) {
        socket.destroy();
        done(refusal as Error, null);
        return;
      }
      done(null, socket);
    });
}

function locationOf(header: string | string[]): string {
  if (typeof header !== 'string') throw new Failure('bad_redirect', `${header.length} Locations`);
  // undici reads header bytes as Latin-1; a Location that is not ASCII is UTF-8.
  return Buffer.from(header, 'latin1').toString();
}

type Encoding = 'identity' | 'gzip' | 'deflate' | 'br';

/** The one encoding of a body. A second one on top is only ever a bomb (S10). */
function encodingOf(header: string | string[] | undefined): Encoding {
  const names = String(header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  const [name = 'identity', ...stacked] = names;
  if (stacked.length > 0) throw new Failure('bad_encoding', `${names.length} encodings on top of each other`);
  if (name === 'identity' || name === 'deflate' || name === 'br') return name;
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  throw new Failure('bad_encoding', `content encoding ${name} was not asked for`);
}

/** Reads and decodes at most `maxBytes`. Memory is that much, whatever the sizes and the number of the chunks. */
async function readBody(wire: AsyncIterable<Buffer>, encoding: Encoding, maxBytes: number) {
  const kept = Buffer.allocUnsafeSlow(maxBytes);
  let length = 0;
  // Compressed input may decode to nothing at all, so that counting what comes out would never stop it.
  const input = { left: maxBytes + 65_536 };
  for await (const chunk of decode(upTo(input, wire), encoding)) {
    const room = maxBytes - length;
    length += chunk.copy(kept, length, 0, room);
    if (chunk.length > room) return { body: kept, truncated: true };
  }
  return { body: Buffer.from(kept.subarray(0, length)), truncated: input.left < 0 };
}

async function* upTo(input: { left: number }, wire: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of wire) {
    input.left -= chunk.length;
    if (input.left < 0) return;
    yield chunk;
  }
}

async function* decode(wire: AsyncGenerator<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  if (encoding === 'identity') return yield* wire;
  const first = await wire.next();
  if (first.done) return;
  const decoder = decoderFor(encoding, first.value);
  const feed = async function* () {
    yield first.value;
    yield* wire;
  };
  // What goes wrong is thrown by the decoder, which is read below.
  pipeline(feed, decoder).catch(() => {});
  yield* decoder;
}

function decoderFor(encoding: Exclude<Encoding, 'identity'>, start: Buffer) {
  // As browsers do: a body that was cut off gives what there is of it.
  const lenient = { finishFlush: constants.Z_SYNC_FLUSH };
  if (encoding === 'gzip') return createGunzip(lenient);
  if (encoding === 'br') return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });
  // Deflate means the zlib format (RFC 9110, 8.4.1.2), but raw deflate is sent under that name as well.
  return ((start[0] ?? 0) & 0x0f) === 8 ? createInflate(lenient) : createInflateRaw(lenient);
}

function readHeaders(headers: Record<string, string | string[] | undefined>): FetchedHeaders {
  const found: Record<string, string> = {};
  for (const [key, name] of Object.entries(headerNames)) {
    const value = [headers[name] ?? ''].flat().join(', ');
    if (/^[\x20-\x7e]+$/.test(value)) found[key] = value;
  }
  return found;
}

function reasonOf(code: string): FetchFailure {
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT') return 'timeout';
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'header_too_large';
  // zlib's own codes, and those that Node makes of brotli's.
  return /^(Z_|ERR__|ERR_BROTLI)/.test(code) ? 'bad_encoding' : 'network';
}
