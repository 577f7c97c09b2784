// The values of rules in the form that they are compared in: what a moderator writes is read here once, and refused where
// it would mean nothing or too much. Compares nothing (rule-set.ts).
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Rule } from '../db/rules.ts';
import { collapse } from '../text.ts';
import { parseHttpUrl } from '../url.ts';
import { fold } from './fold.ts';
import { hostKey, isPublicSuffix, placeOf } from './hosts.ts';

export type RuleValue = { ok: true; value: string } | { ok: false; problem: string };

/** Characters of a value, as written and as stored. */
const mostChars = 300;

/** The value of a rule on `field` as it is stored and compared; the problem is in words that follow "value:". */
export function ruleValue(field: Rule['field'], written: string): RuleValue {
  const read = written.length > mostChars ? tooLong : readers[field](written.trim());
  return read.ok && read.value.length > mostChars ? tooLong : read;
}

const readers: Record<Rule['field'], (text: string) => RuleValue> = {
  ip: networkValue,
  host: (text) => hostValue(text, 'must be a host such as example.com, without scheme, port and path'),
  url: urlValue,
  email: emailValue,
  author: (text) => notEmpty(authorKey(text), /\S/, 'must be a name'),
  phrase: (text) => notEmpty(phraseKey(text), /[\p{L}\p{N}\p{S}]/u, 'must have a letter, a digit or a sign in it'),
};

/** A name as it is compared: without regard to case, width and white space. */
export function authorKey(name: string): string {
  return collapse(name.normalize('NFKC').toLowerCase());
}

/** A phrase, or a text to find it in: folded, white space of any length as one space. */
export function phraseKey(text: string): string {
  return collapse(fold(text).text);
}

/** An e-mail address as it is compared, its host in ASCII; null for what is none. */
export function emailKey(address: string): { local: string; host: string } | null {
  const at = address.lastIndexOf('@');
  const host = at === -1 || /\s/.test(address) ? null : hostKey(address.slice(at + 1));
  return host === null ? null : { local: address.slice(0, at).toLowerCase(), host };
}

/** The network of `bits` that an address lies in, in one form each; of all bits it is the address itself. */
export function networkKey(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): string {
  const all = address.kind() === 'ipv4' ? 32 : 128;
  if (bits === all) return address.toString();
  const cidr = `${address}/${bits}`;
  const network = all === 32 ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${network}/${bits}`;
}

const tooLong: RuleValue = { ok: false, problem: `must have at most ${mostChars} characters` };

/** The widest networks that a rule may name: wider ones belong to everybody. */
const widest = { ipv4: 8, ipv6: 16 };

function networkValue(text: string): RuleValue {
  const [written = '', bits, ...rest] = text.split('/');
  const isNetwork = bits === undefined || /^\d{1,3}$/.test(bits);
  if (isIP(written) === 0 || written.includes('%') || !isNetwork || rest.length > 0)
    return { ok: false, problem: 'must be an address such as 192.0.2.7, or a network such as 192.0.2.0/24' };
  const address = ipaddr.process(written);
  const kind = address.kind();
  const all = kind === 'ipv4' ? 32 : 128;
  // ::ffff:192.0.2.0/120 is 192.0.2.0/24.
  const shift = isIP(written) === 6 && kind === 'ipv4' ? 96 : 0;
  const length = bits === undefined ? all : Number(bits) - shift;
  if (length > all) return { ok: false, problem: `a network has at most ${all} bits` };
  if (length < widest[kind]) return { ok: false, problem: `must not be wider than a /${widest[kind]}` };
  return { ok: true, value: networkKey(address, length) };
}

function hostValue(text: string, problem: string): RuleValue {
  const host = hostKey(text);
  // `.example.com`, `*.example.com` and `1.2.3` would mean something else here than to whoever writes them.
  const isPlain = /^(?!\.)(?!.*\.\.)[^*]+$/.test(text) && (isIP(host ?? '') === 0 || isIP(text) !== 0);
  if (host === null || (!isPlain && !text.startsWith('['))) return { ok: false, problem };
  if (!isPublicSuffix(host)) return { ok: true, value: host };
  return { ok: false, problem: `${host} is a public suffix: the hosts below it belong to many owners` };
}

function urlValue(text: string): RuleValue {
  const url = parseHttpUrl(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  const problem = 'must be a URL such as https://example.com/path, without query and fragment';
  if (url === null || text.startsWith('/') || url.search !== '' || url.hash !== '') return { ok: false, problem };
  const { host, segments } = placeOf(url);
  // A folder of a host that many share is somebody's; the host itself is not.
  return segments.length === 0 ? hostValue(host, problem) : { ok: true, value: [host, ...segments].join('/') };
}

function emailValue(text: string): RuleValue {
  const problem = 'must be an e-mail address, or @ and a host for all addresses there';
  const email = emailKey(text);
  if (email === null) return { ok: false, problem };
  if (email.local === '') return prefixed('@', hostValue(email.host, problem));
  return { ok: true, value: `${email.local}@${email.host}` };
}

function prefixed(prefix: string, read: RuleValue): RuleValue {
  return read.ok ? { ok: true, value: prefix + read.value } : read;
}

function notEmpty(value: string, least: RegExp, problem: string): RuleValue {
  return least.test(value) ? { ok: true, value } : { ok: false, problem };
}
