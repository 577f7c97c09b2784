// The only way out to the network: GET of http and https URLs, to public or allowed addresses, limited in bytes, time
// and redirects. Does not judge what came back: any status, type or body is the caller's business.
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import {
  Failure,
  type FetchedHeaders,
  type FetchFailure,
  failureOf,
  type Got,
  type Page,
  pinnedGet,
} from './pinned-get.ts';
import { type AllowedNetwork, isCovered, isPublicAddress, parseAllowed } from './public-address.ts';
import { maxUrlLength, parseUrl } from './url.ts';

export type { FetchedHeaders, FetchFailure };

/** One address of a host, as a name server gives it. */
export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

export interface SafeFetchOptions {
  /** Networks that may be fetched although not public, or on a port other than 80, 443 and 8080 (S5). */
  allow: readonly AllowedNetwork[];
  /** Product and address of this service, such as `Backtalk/0.1 (+https://example.org/)`. */
  userAgent: string;
  /** Milliseconds for all of a fetch: names, connections, headers, body and every redirect. Default 15 000 (S10). */
  timeoutMs?: number;
  /** Milliseconds for one connection, TLS included. Default 5 000. */
  connectTimeoutMs?: number;
  /** Bytes of body that are kept, counted after decompression; the rest is not read. Default 1 000 000. */
  maxBytes?: number;
  /** Bytes of response header names and values. Default 16 384. */
  maxHeaderBytes?: number;
  /** Redirects that are followed. Default 5. */
  maxRedirects?: number;
  /** Finds all addresses of a name; called once a hop. Default: the operating system's resolver. */
  resolve?: (hostname: string) => Promise<readonly ResolvedAddress[]>;
  /** Hosts of this service, which it never fetches from (S18): `host`, meant on all ports, or `host:port`. */
  refuseHosts?: readonly string[];
}

export interface FetchRequest {
  /** What the fetch is for, put into the User-Agent: `verifying pingback` (P18). */
  purpose?: string;
  /** Address of who asked for it, put after `purpose`, so that a victim can see who caused it. */
  requestedBy?: string;
  accept?: string;
  /** Further request headers. Sent on every hop, also to other hosts: never a secret. */
  headers?: Readonly<Record<string, string>>;
}

/** One URL of a chain of redirects. Without `address`: not connected to; without `status`: no response came. */
export interface Hop {
  url: string;
  status?: number;
  address?: string;
}

export type FetchResult = {
  readonly hops: readonly Hop[];
  /** How long it took. */
  readonly ms: number;
} & (
  | ({
      readonly ok: true;
      /** Where the redirects ended, without fragment. */
      readonly url: string;
    } & Page)
  | {
      readonly ok: false;
      readonly reason: FetchFailure;
      /** For logs and moderators; never for who caused the fetch (S8). */
      readonly detail: string;
    }
);

/** Resolves to a value whatever the network does; rejects only when the caller asks for a header that is not theirs. */
export type SafeFetch = (url: string, request?: FetchRequest) => Promise<FetchResult>;

/**
 * Builds the fetch of S1 to S10. Each hop is checked anew: scheme, credentials, own hosts, port, and every address of
 * its host; the connection then goes to a checked address, without a second resolution. Nothing is shared between
 * fetches: no connections, cookies, credentials, Referer or proxies. Throws if an entry of `refuseHosts` is no host.
 */
export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  const policy = readPolicy(options);
  return async (start, request = {}) => {
    const headers = requestHeaders(options.userAgent, request);
    const started = performance.now();
    const hops: Hop[] = [];
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), policy.timeoutMs);
    const late = once(deadline.signal, 'abort');
    const ms = () => Math.round(performance.now() - started);
    try {
      const page = await follow(start, { policy, headers, hops, signal: deadline.signal, late });
      return { ok: true, ...page, hops, ms: ms() };
    } catch (error) {
      const timeUp = deadline.signal.aborted ? new Failure('timeout', 'the time for the fetch was up') : undefined;
      const failure = timeUp ?? failureOf(error);
      // Anything else is a mistake of ours, not an outcome.
      if (failure === undefined) throw error;
      return { ok: false, reason: failure.reason, detail: failure.message.slice(0, 300), hops, ms: ms() };
    } finally {
      clearTimeout(timer);
      deadline.abort();
    }
  };
}

type Policy = ReturnType<typeof readPolicy>;

interface Call {
  policy: Policy;
  headers: Record<string, string>;
  hops: Hop[];
  signal: AbortSignal;
  /** Resolves when `signal` aborts. */
  late: Promise<unknown>;
}

const openPorts: ReadonlySet<number> = new Set([80, 443, 8080]);
const ownHeaders =
  /^(accept-encoding|authorization|connection|content-.*|cookie|host|proxy-.*|referer|transfer-encoding|user-agent)$/i;
const defaultAccept = 'text/html, application/xhtml+xml;q=0.9, application/json;q=0.8, text/plain;q=0.7, */*;q=0.1';

function readPolicy(options: SafeFetchOptions) {
  const own = (options.refuseHosts ?? []).map((entry) => {
    const [, name = '', port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    const { hostname } = new URL(`http://${name}/`);
    return { name: nameOf(hostname), ...(port === undefined ? {} : { port: Number(port) }) };
  });
  return {
    allow: options.allow,
    timeoutMs: options.timeoutMs ?? 15_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    maxBytes: options.maxBytes ?? 1_000_000,
    maxHeaderBytes: options.maxHeaderBytes ?? 16_384,
    maxRedirects: options.maxRedirects ?? 5,
    resolve: options.resolve ?? resolveWithSystem,
    ownNames: own,
    ownAddresses: own
      .filter(({ name }) => isIP(name) !== 0)
      .map(({ name, port }) => ({ ...parseAllowed(name), ...(port === undefined ? {} : { port }) })),
  };
}

function requestHeaders(userAgent: string, request: FetchRequest): Record<string, string> {
  const from = request.requestedBy !== undefined && isIP(request.requestedBy) ? ` from ${request.requestedBy}` : '';
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (ownHeaders.test(name)) throw new Error(`safe-fetch does not let callers send the header ${name}`);
    headers[name.toLowerCase()] = value;
  }
  headers.accept = request.accept ?? defaultAccept;
  headers['accept-encoding'] = 'gzip, deflate, br';
  headers['user-agent'] = request.purpose === undefined ? userAgent : `${userAgent}; ${request.purpose}${from}`;
  return headers;
}

async function follow(start: string, call: Call): Promise<{ url: string } & Page> {
  const { policy, hops } = call;
  let url = parsePage(start);
  if (url === null) throw new Failure('bad_url', `not a URL of at most ${maxUrlLength} characters`);
  for (;;) {
    const hop: Hop = { url: withoutCredentials(url) };
    hops.push(hop);
    const got = await visit(url, hop, call);
    if (!('location' in got)) return { url: url.href, ...got };
    if (hops.length > policy.maxRedirects) {
      throw new Failure('too_many_redirects', `more than ${policy.maxRedirects} redirects`);
    }
    const next = parsePage(got.location, url);
    if (next === null) throw new Failure('bad_redirect', 'the Location is not a URL');
    // Without cookies a page that comes round again only comes round again.
    if (hops.some((earlier) => earlier.url === next.href)) {
      throw new Failure('too_many_redirects', 'the redirects go round in a circle');
    }
    url = next;
  }
}

async function visit(url: URL, hop: Hop, { policy, headers, signal, late }: Call): Promise<Got> {
  const port = portOf(url);
  checkUrl(url, port, policy);
  const name = nameOf(url.hostname);
  const addresses = isIP(name) === 0 ? await resolveName(url.hostname, policy, late) : [name];
  for (const address of addresses) checkAddress(address, port, policy);
  return pinnedGet({
    ...policy,
    url,
    addresses,
    headers,
    signal,
    onConnect(address) {
      hop.address = address;
      checkAddress(address, port, policy);
    },
    onStatus(status) {
      hop.status = status;
    },
  });
}

function parsePage(text: string, base?: URL): URL | null {
  const url = parseUrl(text, base);
  if (url !== null) url.hash = '';
  return url;
}

function withoutCredentials(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

function checkUrl(url: URL, port: number, policy: Policy): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Failure('forbidden_scheme', `${url.protocol} is not fetched`);
  }
  if (url.username !== '' || url.password !== '') throw new Failure('bad_url', 'the URL carries credentials');
  const name = nameOf(url.hostname);
  if (policy.ownNames.some((own) => own.name === name && (own.port ?? port) === port)) {
    throw new Failure('own_host', `${url.host} is this service`);
  }
  if (!openPorts.has(port) && !policy.allow.some((network) => (network.port ?? port) === port)) {
    throw new Failure('forbidden_port', `port ${port} is not fetched`);
  }
}

function checkAddress(address: string, port: number, policy: Policy): void {
  if (isCovered(address, port, policy.ownAddresses)) throw new Failure('own_host', `${address} is this service`);
  if (isCovered(address, port, policy.allow)) return;
  if (!isPublicAddress(address)) throw new Failure('forbidden_address', `${address} is not a public address`);
  if (!openPorts.has(port)) throw new Failure('forbidden_port', `port ${port} of ${address} is not fetched`);
}

function nameOf(hostname: string): string {
  return hostname.replace(/^\[|\]$|\.$/g, '');
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

async function resolveName(hostname: string, policy: Policy, late: Promise<unknown>): Promise<string[]> {
  let answers: readonly ResolvedAddress[] | undefined;
  try {
    // A resolver cannot be stopped: an answer after the deadline is dropped.
    answers = await Promise.race([policy.resolve(hostname), late.then(() => undefined)]);
  } catch (error) {
    throw new Failure('unresolvable', `${hostname}: ${error instanceof Error ? error.message : error}`);
  }
  if (answers === undefined) throw new Failure('timeout', `${hostname} was not resolved in time`);
  if (answers.length === 0) throw new Failure('unresolvable', `${hostname} has no address`);
  return answers.map(({ address }) => address);
}

function resolveWithSystem(hostname: string): Promise<readonly ResolvedAddress[]> {
  return lookup(hostname, { all: true }) as Promise<ResolvedAddress[]>;
}
