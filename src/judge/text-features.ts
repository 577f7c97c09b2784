// The features of what a text says: words, pairs of words, character 4-grams, links. Not how it looks
// (shape-features.ts), who wrote it (author-features.ts) or what it answers (relevance.ts).

import { type FeatureSet, groups, hashText, mix, seed } from './feature-set.ts';
import type { Evidence } from './features.ts';
import { undisguise } from './fold.ts';
import type { Language, Script } from './language.ts';
import { addressWords, type Link, type LinkedText, parseLink, siteOf, topLevelOf } from './links.ts';

/** A text taken apart once, for every extractor. */
export interface ReadText {
  original: string;
  linked: LinkedText;
  /** Folded, with links; and without. */
  folded: string;
  disguised: number;
  words: readonly string[];
  titleWords: readonly string[];
  /** The words of a short last line, as names, slogans and searched-for terms are put below a text. */
  closing: readonly string[];
  script: Script | null;
  language: Language;
}

const WORDS = groups.indexOf('words');
const PAIRS = groups.indexOf('pairs');
const CHARACTERS = groups.indexOf('characters');
const LINKS = groups.indexOf('links');

const wordSeed = seed('word');
const pairSeed = seed('pair');
const firstSeed = seed('first word');
const lastSeed = seed('last word');
const closingSeed = seed('closing word');
const numberSeed = seed('number');
const gramSeed = seed('gram');

/** The feature under which a word of the content is counted. */
export function wordHash(word: string): number {
  return hashText(wordSeed, word);
}

/**
 * Adds the words of title and content, each two words that follow each other in the content, its first and last word as
 * such, and those of a closing line. Numbers of three digits or more also count by their length.
 */
export function addWords(set: FeatureSet, text: ReadText): void {
  const { words } = text;
  for (const word of text.titleWords) addWord(set, word, 'title');
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    addWord(set, word, 'content');
    if (i > 0) addPair(set, words[i - 1] as string, word);
  }
  if (words.length > 1) {
    set.addText(PAIRS, firstSeed, words[0] as string, 'first word');
    set.addText(PAIRS, lastSeed, words.at(-1) as string, 'last word');
  }
  for (const word of text.closing) set.addText(PAIRS, closingSeed, word, 'last line');
}

function addPair(set: FeatureSet, first: string, second: string): void {
  const hash = hashText(hashText(pairSeed, first) ^ 32, second);
  // Pairs of characters overlap, so two of them are no phrase that could be shown.
  const isPhrase = first.charCodeAt(0) < 0xe00 && second.charCodeAt(0) < 0xe00;
  if (set.labels === null || !isPhrase) set.add(PAIRS, hash);
  else set.addLabelled(PAIRS, hash, `${first} ${second}`, 'content');
}

function addWord(set: FeatureSet, word: string, field: 'title' | 'content'): void {
  set.addText(WORDS, wordSeed, word, field);
  const first = word.charCodeAt(0);
  if (first >= 0x30 && first <= 0x39 && word.length > 2) set.add(WORDS, mix(numberSeed, word.length));
  const plain = undisguise(word);
  if (plain !== null) set.addText(WORDS, wordSeed, plain, field, `${word} (${plain})`);
}

/** Adds the character 4-grams of a folded text, white space as one space, from before its first to after its last. */
export function addGrams(set: FeatureSet, folded: string, group = CHARACTERS, from = gramSeed): void {
  let a = 32;
  let b = 32;
  let c = 32;
  let seen = 0;
  const end = folded.length;
  for (let i = 0; i <= end; i++) {
    let code = i === end ? 32 : folded.charCodeAt(i);
    if (code <= 32 || code === 160) code = 32;
    if (code === 32 && c === 32) continue;
    // The first gram is the text's first three letters after a space.
    if (++seen >= 3) {
      let hash = Math.imul(from ^ a, 0x01000193);
      hash = Math.imul(hash ^ b, 0x01000193);
      hash = Math.imul(hash ^ c, 0x01000193);
      set.add(group, Math.imul(hash ^ code, 0x01000193));
    }
    a = b;
    b = c;
    c = code;
  }
}

const hostSeed = seed('link host');
const siteSeed = seed('link site');
const topSeed = seed('link top level');
const pathSeed = seed('link path');
const depthSeed = seed('link depth');
const hostShapeSeed = seed('link host shape');
const sourceHostSeed = seed('source host');
const sourceWordSeed = seed('source word');
const sameHostSeed = seed('link is author');

/** Adds hosts, top levels and path words of the links, and of the source page. */
export function addLinks(set: FeatureSet, text: ReadText, evidence: Evidence): void {
  const authorHost = evidence.author.url === undefined ? null : (parseLink(evidence.author.url)?.host ?? null);
  for (const link of text.linked.links.slice(0, 30)) {
    addLink(set, link);
    if (authorHost !== null) set.add(LINKS, mix(sameHostSeed, link.host === authorHost ? 1 : 0));
  }
  const source = evidence.source === undefined ? null : parseLink(evidence.source);
  if (source === null) return;
  set.addText(LINKS, sourceHostSeed, source.host, 'source');
  set.add(LINKS, hashText(mix(topSeed, 1), topLevelOf(source.host)));
  for (const word of addressWords(source.path)) set.addText(LINKS, sourceWordSeed, word, 'source');
  for (const word of addressWords(source.host)) set.addText(LINKS, sourceWordSeed, word, 'source');
}

function addLink(set: FeatureSet, link: Link): void {
  const site = siteOf(link.host);
  set.addText(LINKS, hostSeed, link.host, 'link');
  if (site !== link.host) set.addText(LINKS, siteSeed, site, 'link');
  set.addText(LINKS, topSeed, topLevelOf(link.host), 'link', `.${topLevelOf(link.host)}`);
  for (const word of addressWords(link.path)) set.addText(LINKS, pathSeed, word, 'link', `/${word}`);
  set.add(LINKS, mix(depthSeed, Math.min(link.path.split('/').length, 5)));
  set.add(LINKS, mix(hostShapeSeed, hostShape(link.host)));
}

/** How a host looks, as a small number: its length in steps of 8, hyphens, digits. */
export function hostShape(host: string): number {
  const hyphens = Math.min(host.split('-').length - 1, 2);
  return Math.min(host.length >> 3, 4) * 6 + hyphens * 2 + (/\d/.test(host) ? 1 : 0);
}

/** The number of binary digits of a count: 0, 1, 2-3, 4-7 and so on, at most 15. */
export function step(count: number): number {
  return Math.min(32 - Math.clz32(count), 15);
}
