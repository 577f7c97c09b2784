// The rules of a site made ready for matching: however many there are, a submission is looked up, not compared with each.
// What a rule may say is rule-value.ts's business, what follows from it policy.ts's.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Rule } from '../db/rules.ts';
import type { Submission } from '../db/submissions.ts';
import { plainText } from '../sanitize.ts';
import { decodeEntities } from '../text.ts';
import { parseUrl } from '../url.ts';
import { type Place, placeOf, withParents } from './hosts.ts';
import { findLinks } from './links.ts';
import { addPhrase, createPhrases, findPhrase, type Phrases } from './phrases.ts';
import { authorKey, emailKey, networkKey, phraseKey } from './rule-value.ts';

/** What rules look at. */
export type Subject = Pick<
  Submission,
  'kind' | 'ip' | 'forwarded' | 'authorName' | 'authorEmail' | 'authorUrl' | 'title' | 'content' | 'source'
>;

/** The rules of one site, those of all sites among them. */
export interface RuleSet {
  block: Side;
  allow: Side;
}

/** The rules of one effect. */
interface Side {
  size: number;
  /** By their value, which is in the form that it is looked up in. */
  values: Map<Rule['field'], Map<string, Rule>>;
  /** The lengths that networks have. */
  bits: { ipv4: Set<number>; ipv6: Set<number> };
  phrases: Phrases<Rule>;
}

export function compileRules(rules: readonly Rule[]): RuleSet {
  const side = (effect: Rule['effect']) => compileSide(rules.filter((rule) => rule.effect === effect));
  return { block: side('block'), allow: side('allow') };
}

function compileSide(rules: readonly Rule[]): Side {
  const side: Side = {
    size: rules.length,
    values: new Map(),
    bits: { ipv4: new Set(), ipv6: new Set() },
    phrases: createPhrases(),
  };
  for (const rule of rules) {
    const known = side.values.get(rule.field) ?? new Map<string, Rule>();
    side.values.set(rule.field, known.set(rule.value, rule));
    if (rule.field === 'phrase') addPhrase(side.phrases, rule.value, rule);
    if (rule.field !== 'ip') continue;
    const [address = '', bits] = rule.value.split('/');
    const kind = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    side.bits[kind].add(bits === undefined ? all[kind] : Number(bits));
  }
  return side;
}

const all = { ipv4: 32, ipv6: 128 };

/**
 * The rule that decides on a submission: any that blocks wins over all that allow. Null where none matches. To be kept out
 * it is enough to be bad in one place; to be let in, a submission must point nowhere but where a rule allows, and
 * of a comment only its sender's address counts unless an engine has forwarded it: a visitor may type anything.
 */
export function matchRule(rules: RuleSet, subject: Subject): Rule | null {
  return matchBlock(rules.block, subject) ?? matchAllow(rules.allow, subject) ?? null;
}

function matchBlock(side: Side, subject: Subject): Rule | undefined {
  if (side.size === 0) return undefined;
  const places = hasPlaces(side) ? [...origins(subject), ...linkedFrom(subject.content)] : [];
  return (
    byAddress(side, subject.ip) ??
    byEmail(side, subject.authorEmail) ??
    byAuthor(side, subject.authorName) ??
    first(places, (place) => byPlace(side, place)) ??
    byPhrase(side, subject)
  );
}

function matchAllow(side: Side, subject: Subject): Rule | undefined {
  if (side.size === 0) return undefined;
  const address = byAddress(side, subject.ip);
  // A visitor's browser may say anything; only where it comes from is a fact.
  if (address !== undefined || (subject.kind === 'comment' && !subject.forwarded)) return address;
  const person = subject.forwarded
    ? (byEmail(side, subject.authorEmail) ?? byAuthor(side, subject.authorName))
    : undefined;
  return person ?? byAllPlaces(side, subject) ?? byPhrase(side, subject);
}

/** A ping comes from its verified source; a comment from nowhere but what it links to. */
function byAllPlaces(side: Side, subject: Subject): Rule | undefined {
  if (!hasPlaces(side)) return undefined;
  const places = origins(subject);
  if (subject.kind === 'comment') places.push(...linkedFrom(subject.content));
  const found = places.map((place) => byPlace(side, place));
  return found.every((rule) => rule !== undefined) ? found[0] : undefined;
}

function byAddress(side: Side, ip: string | null): Rule | undefined {
  const networks = side.values.get('ip');
  if (networks === undefined || ip === null || isIP(ip) === 0) return undefined;
  const address = ipaddr.process(ip);
  return first(side.bits[address.kind()], (bits) => networks.get(networkKey(address, bits)));
}

function byEmail(side: Side, written: string | null): Rule | undefined {
  const emails = side.values.get('email');
  const email = emails === undefined || written === null ? null : emailKey(written);
  if (email === null) return undefined;
  return (
    emails?.get(`${email.local}@${email.host}`) ?? first(withParents(email.host), (host) => emails?.get(`@${host}`))
  );
}

function byAuthor(side: Side, name: string | null): Rule | undefined {
  const authors = side.values.get('author');
  return authors === undefined || name === null ? undefined : authors.get(authorKey(name));
}

function hasPlaces(side: Side): boolean {
  return side.values.has('host') || side.values.has('url');
}

function byPlace(side: Side, { host, segments }: Place): Rule | undefined {
  const hosts = side.values.get('host');
  const urls = side.values.get('url');
  const paths = segments.map((_, end) => [host, ...segments.slice(0, end + 1)].join('/'));
  return first(withParents(host), (parent) => hosts?.get(parent)) ?? first([host, ...paths], (path) => urls?.get(path));
}

function byPhrase(side: Side, { title, content }: Subject): Rule | undefined {
  if (!side.values.has('phrase')) return undefined;
  return findPhrase(side.phrases, phraseKey(`${title ?? ''}\n${plainText(content)}`));
}

/** Where a submission says that it comes from. */
function origins({ authorUrl, source }: Subject): Place[] {
  return [source, authorUrl].flatMap((written) => placesOf(written ?? ''));
}

/**
 * Where a text links to, also where it hides that in character references, or behind a name that makes it look like an
 * e-mail address.
 */
function linkedFrom(content: string): Place[] {
  const text = decodeEntities(content)
    .replace(/[\u3002\uff0e\uff61]/g, '.')
    .replace(/:\/\/[^\s/@<>"']{1,100}@/g, '://');
  const found = findLinks(text).links.flatMap(({ host, path }) => placesOf(`http://${host}${path}`));
  // Whatever stands behind a scheme is a link to somebody: what cannot be read as one leads nowhere that a rule allows.
  const written = [...text.matchAll(addressWritten)].map(([, host = '', path = '']) => {
    const url = host === '' ? null : parseUrl(`http://${host}${path}`);
    return url === null ? nowhere : placeOf(url);
  });
  return [...found, ...written];
}

/** Host and path behind a scheme, the host ending at the first character that none has. */
const addressWritten =
  /:\/\/(\[[0-9a-f:.]{0,60}\]|[\p{L}\p{M}\p{N}._~%-]{0,253})(?::\d{0,5})?(\/[^\s"'<>]{0,2000})?/giu;
const nowhere: Place = { host: '', segments: [] };

function placesOf(written: string): Place[] {
  const url = parseUrl(written);
  return url === null ? [] : [placeOf(url)];
}

function first<Item, Found>(items: Iterable<Item>, look: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
