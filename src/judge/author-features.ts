// The features of who signed a submission: name, e-mail address and web address, as written. It does not know people:
// a name is only ever compared with words.

import { type FeatureSet, groups, hashText, mix, pack, seed } from './feature-set.ts';
import type { Background, Evidence } from './features.ts';
import { fold, wordsOf } from './fold.ts';
import { isStopWord } from './language.ts';
import { addressWords, parseLink, siteOf, topLevelOf } from './links.ts';
import { hostShape, step, wordHash } from './text-features.ts';

const AUTHOR = groups.indexOf('author');
const ADDRESS = groups.indexOf('address');
const EMAIL = groups.indexOf('email');
const WORDS = groups.indexOf('words');

/** Adds the features of the author. `content` are the folded words of the text, `linkHosts` the hosts it links to. */
export function addAuthor(
  set: FeatureSet,
  evidence: Evidence,
  content: readonly string[],
  linkHosts: readonly string[],
  background: Background,
): void {
  const { name, email, url } = evidence.author;
  const host = url === undefined || url === '' ? null : parseLink(url);
  if (name) addName(set, name, content, linkHosts, background);
  if (host !== null) {
    addAddress(set, host.host, host.path, url?.startsWith('https') === true);
    set.add(ADDRESS, mix(author.inText, Math.min(linkHosts.length, 1) * 16 + step(content.length)));
    if (name) set.add(ADDRESS, mix(author.inHost, wordsInHost(nameWordsOf(name), host.host)));
  }
  if (email) addEmail(set, email, name, host?.host ?? null);
}

/** How much a name reads like a search term: the words other people use in their texts among its words. */
export function commonWords(name: string, background: Background): { words: string[]; common: string[] } {
  const words = nameWordsOf(name);
  const least = Math.max(2, background.documents / 5000);
  const common = words.filter((word) => background.frequency(pack(WORDS, wordHash(word))) >= least);
  return { words, common };
}

/** The folded words of a name. */
export function nameWordsOf(name: string): string[] {
  return wordsOf(fold(name.slice(0, NAME_LIMIT)).text, 20);
}

const NAME_LIMIT = 200;

const author = {
  word: seed('name word'),
  whole: seed('whole name'),
  gram: seed('name gram'),
  count: seed('name words'),
  pattern: seed('name pattern'),
  length: seed('name length'),
  common: seed('name common words'),
  stop: seed('name stop words'),
  signed: seed('name in content'),
  inHost: seed('name in host'),
  inLinks: seed('name in links'),
  inText: seed('author address in text'),
  host: seed('author host'),
  site: seed('author site'),
  top: seed('author top level'),
  pathWord: seed('author path word'),
  hostWord: seed('author host word'),
  hostShape: seed('author host shape'),
  depth: seed('author path depth'),
  secure: seed('author https'),
  emailHost: seed('author e-mail host'),
  emailTop: seed('author e-mail top level'),
  emailShape: seed('author e-mail shape'),
  emailName: seed('author e-mail has name'),
  emailUrl: seed('author e-mail has host'),
};

function addName(
  set: FeatureSet,
  name: string,
  content: readonly string[],
  linkHosts: readonly string[],
  background: Background,
): void {
  const folded = fold(name.slice(0, NAME_LIMIT)).text;
  const { words, common } = commonWords(name, background);
  for (const word of words) set.addText(AUTHOR, author.word, word, 'author name');
  if (words.length > 1) set.addText(AUTHOR, author.whole, words.join(' '), 'author name');
  addNameGrams(set, folded);
  const put = (field: number, value: number) => set.add(AUTHOR, mix(field, value));
  const count = Math.min(words.length, 5);
  put(author.count, count);
  put(author.length, step(name.length));
  set.add(AUTHOR, hashText(author.pattern, namePattern(name)));
  put(author.common, count * 8 + Math.min(common.length, 5));
  put(author.stop, words.some((word) => word.length > 1 && isStopWord(word)) ? 1 : 0);
  const spoken = new Set(content);
  const said = words.filter((word) => word.length > 2 && spoken.has(word)).length;
  put(author.signed, Math.min(said, 3) * 4 + Math.min(count, 3));
  if (linkHosts.length > 0) {
    let most = 0;
    for (const linked of linkHosts.slice(0, 5)) most = Math.max(most, wordsInHost(words, linked));
    put(author.inLinks, most);
  }
}

// 0: none, 1: some, 2: all of the words of three letters or more stand in the host.
function wordsInHost(words: readonly string[], host: string): number {
  const long = words.filter((word) => word.length > 2);
  const found = long.filter((word) => host.includes(word)).length;
  if (found === 0) return 0;
  return found === long.length ? 2 : 1;
}

function addNameGrams(set: FeatureSet, folded: string): void {
  const padded = ` ${folded.replace(/\s+/g, ' ').trim()} `;
  for (let i = 0; i + 4 <= padded.length; i++) {
    let hash = author.gram;
    for (let j = i; j < i + 4; j++) hash = Math.imul(hash ^ padded.charCodeAt(j), 0x01000193);
    set.add(AUTHOR, hash);
  }
}

/** A name's shape: `Aa Aa` for `Jane Doe`, `a a` for `cheap flights`, `a9` for `bob77`, at most 12 characters. */
export function namePattern(name: string): string {
  return name
    .slice(0, NAME_LIMIT)
    .replace(/\p{Lu}+/gu, 'A')
    .replace(/[\p{Ll}\p{Lo}]+/gu, 'a')
    .replace(/\p{N}+/gu, '9')
    .replace(/\s+/gu, ' ')
    .replace(/[^\sAa9]+/gu, '.')
    .slice(0, 12);
}

function addAddress(set: FeatureSet, host: string, path: string, secure: boolean): void {
  set.addText(ADDRESS, author.host, host, 'author address');
  const site = siteOf(host);
  if (site !== host) set.addText(ADDRESS, author.site, site, 'author address');
  set.addText(ADDRESS, author.top, topLevelOf(host), 'author address', `.${topLevelOf(host)}`);
  for (const word of addressWords(path)) set.addText(ADDRESS, author.pathWord, word, 'author address', `/${word}`);
  for (const word of addressWords(host).slice(0, -1)) set.addText(ADDRESS, author.hostWord, word, 'author address');
  set.add(ADDRESS, mix(author.hostShape, hostShape(host)));
  set.add(ADDRESS, mix(author.depth, Math.min(path.split('/').filter(Boolean).length, 4)));
  set.add(ADDRESS, mix(author.secure, secure ? 1 : 0));
}

function addEmail(set: FeatureSet, email: string, name: string | undefined, host: string | null): void {
  const at = email.lastIndexOf('@');
  if (at <= 0) return;
  const local = email.slice(0, at).toLowerCase().slice(0, 64);
  const domain = email
    .slice(at + 1)
    .toLowerCase()
    .slice(0, 253);
  set.addText(EMAIL, author.emailHost, domain, 'author e-mail');
  set.addText(EMAIL, author.emailTop, topLevelOf(domain), 'author e-mail', `.${topLevelOf(domain)}`);
  const digits = Math.min((local.match(/\d/g) ?? []).length, 4);
  set.add(EMAIL, mix(author.emailShape, Math.min(local.length >> 2, 5) * 5 + digits));
  const words = name === undefined ? [] : nameWordsOf(name);
  set.add(EMAIL, mix(author.emailName, words.some((word) => word.length > 2 && local.includes(word)) ? 1 : 0));
  if (host !== null) set.add(EMAIL, mix(author.emailUrl, siteOf(host) === siteOf(domain) ? 1 : 0));
}
