// What every room needs of a request: its body under a cap, its JSON, and the address that it came from.
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import ipaddr from 'ipaddr.js';
import type { z } from 'zod';
import { CodedError } from './errors.ts';

export type Env = { Bindings: HttpBindings };
export type Ctx = Context<Env>;

/**
 * Reads a request's body, at most `maxBytes` of it. Throws `http.too_large` for a longer one, without reading the rest, and
 * `http.unsupported_type` for a compressed one.
 * It reads Node's own stream: Hono's `c.req.raw.body` costs several times the processor time of the whole request.
 */
export async function readBody(c: Ctx, maxBytes: number): Promise<Buffer> {
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new CodedError('http.unsupported_type', 'the body must not be compressed: send it without Content-Encoding');
  }
  const tooLarge = () => {
    // Else Node would read the rest of the body to its end, only to throw it away.
    c.header('Connection', 'close');
    return new CodedError('http.too_large', `the body is longer than ${maxBytes} bytes`, { maxBytes });
  };
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of c.env.incoming as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('http.bad_request', 'the connection ended before the body did');
  }
  return Buffer.concat(chunks);
}

/** Parses a JSON body as `schema` says. Throws `code` with the place and the fault of the first wrong field, `http.bad_json` for what is no JSON. */
export function parseJson<Type extends z.ZodType>(
  body: Buffer,
  schema: Type,
  code: 'receive.bad_input' | 'moderate.bad_input',
): z.output<Type> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new CodedError('http.bad_json', 'the body is not valid UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CodedError('http.bad_json', `the body is not valid JSON: ${(error as Error).message}`);
  }
  return checked(value, schema, code);
}

/** Checks a value against a schema. Throws `code` naming the first field that is wrong, and all of them in the details. */
export function checked<Type extends z.ZodType>(
  value: unknown,
  schema: Type,
  code: 'receive.bad_input' | 'moderate.bad_input',
): z.output<Type> {
  const result = schema.safeParse(value, { error: inWords });
  if (result.success) return result.data;
  const problems = result.error.issues.map(problemOf);
  const [first] = problems;
  throw new CodedError(
    code,
    first === undefined ? 'bad input' : `${first.field || 'the request'}: ${first.problem}`,
    problems,
  );
}

/** What is wrong with a value, for a person; undefined where zod's own words will do. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type')
    return issue.input === undefined ? 'is missing' : `must be of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`;
  if (issue.code === 'unrecognized_keys') return `there is no ${issue.keys.join(', ').slice(0, 100)} here`;
  return undefined;
}

/** Where and what; of several ways to write a value, by the one that was followed furthest. */
function problemOf(issue: z.core.$ZodIssue): { field: string; problem: string } {
  if (issue.code !== 'invalid_union') return { field: issue.path.join('.'), problem: issue.message };
  const [furthest] = issue.errors.flat().sort((a, b) => b.path.length - a.path.length);
  if (furthest === undefined) return { field: issue.path.join('.'), problem: issue.message };
  const { field, problem } = problemOf(furthest);
  return { field: [...issue.path, field].filter((part) => part !== '').join('.'), problem };
}

/** Whether a text has the form of our ids. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Tells the client's address. Behind proxies of the given networks it is the last address that they did not add themselves. */
export function createAddressReader(trusted: readonly string[]): (c: Ctx) => string {
  const networks = trusted.map((text) => parseNetwork(text));
  const isTrusted = (address: ipaddr.IPv4 | ipaddr.IPv6) =>
    networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  return (c) => {
    let address = readAddress(c.env.incoming.socket.remoteAddress ?? '');
    const forwarded = (c.req.header('x-forwarded-for') ?? '').split(',').reverse();
    for (const hop of forwarded) {
      if (address === null || !isTrusted(address)) break;
      const before = readAddress(hop.trim());
      if (before === null) break;
      address = before;
    }
    return address?.toString() ?? 'unknown';
  };
}

/** The network that stands for an address where one person may hold many: itself in IPv4, its /64 in IPv6. */
export function limitKey(address: string): string {
  const parsed = readAddress(address);
  if (parsed === null || parsed.kind() === 'ipv4') return address;
  return (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':');
}

/** The /24 or /48 that an address lies in: enough to see where a flood comes from, too little to know a person. */
export function networkOf(address: string): string | null {
  const parsed = readAddress(address);
  if (parsed === null) return null;
  if (parsed.kind() === 'ipv4') return `${ipaddr.IPv4.networkAddressFromCIDR(`${parsed}/24`)}/24`;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/48`)}/48`;
}

function parseNetwork(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (!ipaddr.isValidCIDR(text))
    throw new Error(`TRUST_PROXY: ${JSON.stringify(text)} is not a network such as 10.0.0.0/8`);
  return ipaddr.parseCIDR(text);
}

/** Node shows an IPv4 client of an IPv6 socket as ::ffff:1.2.3.4; it is the same client. */
function readAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return ipaddr.isValid(text) ? ipaddr.process(text) : null;
}
