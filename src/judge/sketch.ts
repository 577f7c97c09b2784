// Tells whether two texts say much the same, whatever names, links and numbers stand in them. Pure: it knows words, not
// what they mean, and a translation or a free retelling is another text to it.

import { hashText, mix, seed } from './feature-set.ts';
import { fold, undisguise, wordsOf } from './fold.ts';
import { findLinks } from './links.ts';

/** What is compared of a submission. */
export interface ComparedText {
  title: string | null;
  content: string;
}

/** The different words and word pairs of a text, hashed. */
export type Shingles = ReadonlySet<number>;

/** Characters of a content that are looked at. */
export const COMPARED_CHARACTERS = 8_000;

/**
 * The shingles of a text, less its links, addresses, numbers and mentions. Null for a text of fewer than 6 words or 30
 * letters: "Thanks, great post!" is no campaign.
 */
export function shinglesOf({ title, content }: ComparedText): Shingles | null {
  const text = `${title?.slice(0, 500) ?? ''}\n${content.slice(0, COMPARED_CHARACTERS)}`;
  const words = wordsOf(fold(findLinks(text).plain).text, WORDS_LIMIT)
    .map((word) => undisguise(word) ?? word)
    .filter((word) => !changing.test(word));
  const letters = words.reduce((sum, word) => sum + word.length, 0);
  if (words.length < LEAST_WORDS || letters < LEAST_LETTERS) return null;
  const shingles = new Set<number>();
  let before: number | null = null;
  for (const word of words) {
    const hash = hashText(wordSeed, word);
    shingles.add(hash);
    // Pairs are what tells texts of one topic apart; words alone survive where every other one was exchanged.
    if (before !== null) shingles.add(mix(before, hash));
    before = hash;
  }
  return shingles;
}

/**
 * The bands of a text, as signed 32-bit numbers: MinHash (Broder 1997) under 63 permutations, three to a band. Texts
 * share a band with a chance of 94 % where half of their shingles are common, 75 % at two fifths, 2 % at a tenth.
 */
export function bandsOf(shingles: Shingles): number[] {
  const least = new Uint32Array(BANDS * ROWS).fill(0xffffffff);
  for (const shingle of shingles) {
    for (let i = 0; i < least.length; i++) {
      const hash = permuted(shingle, i);
      if (hash < (least[i] as number)) least[i] = hash;
    }
  }
  const bands: number[] = [];
  for (let band = 0; band < BANDS; band++) {
    let hash = band;
    for (let row = 0; row < ROWS; row++) hash = mix(hash, least[band * ROWS + row] as number);
    bands.push(hash | 0);
  }
  return bands;
}

/** The share of common shingles among all that two texts have (Jaccard), 0 to 1. */
export function similarity(a: Shingles, b: Shingles): number {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  let common = 0;
  for (const shingle of few) if (many.has(shingle)) common++;
  return common / (a.size + b.size - common);
}

/** A cluster as a new text is held against it: its first text, if that is still known, and the member most like the new one. */
export interface KnownCluster {
  first: Shingles | null;
  nearest: Shingles | null;
}

/**
 * Whether a text belongs to a cluster: like its first text, or much like another member. A lower bar for members would let
 * a cluster drift away from where it began, step by step.
 */
export function belongsTo(text: Shingles, { first, nearest }: KnownCluster): boolean {
  return (first !== null && isLike(text, first, ALIKE)) || (nearest !== null && isLike(text, nearest, MUCH_ALIKE));
}

// Tuned on spun texts in five languages: variants of one pitch have 0.35 to 0.75 in common, other texts of the same
// family at most 0.27. Short ones are alike by chance more easily, above all thanks.
const ALIKE = 0.4;
const MUCH_ALIKE = 0.55;
const SHORT_ALIKE = 0.6;
const SHORT = 24;

function isLike(a: Shingles, b: Shingles, least: number): boolean {
  const isShort = Math.min(a.size, b.size) < SHORT;
  return similarity(a, b) >= (isShort ? Math.max(least, SHORT_ALIKE) : least);
}

const WORDS_LIMIT = 1_000;
const LEAST_WORDS = 6;
/** Of unspaced scripts, whose words come as overlapping pairs, 16 characters. */
const LEAST_LETTERS = 30;
const BANDS = 21;
const ROWS = 3;
/** Numbers, prices, mentions and pictures are exchanged from copy to copy. */
const changing = /[\p{N}@$]|\p{Extended_Pictographic}/u;
const wordSeed = seed('shingle');

// A shingle's place in the i-th random order: the finaliser of MurmurHash3 (Appleby 2011) over shingle and order.
function permuted(shingle: number, order: number): number {
  let h = shingle ^ Math.imul(order + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
