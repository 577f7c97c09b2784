// Evidence to features: what of a submission is learned and judged. Hashed features alone are kept; what can be shown
// of them is recomputed from the text. It knows nothing of counts except how common a word is.

import type { Kind } from '../submission.ts';
import { addAuthor, nameWordsOf } from './author-features.ts';
import { FeatureSet, groups, type Label, seed } from './feature-set.ts';
import { fold, wordsOf } from './fold.ts';
import { type Language, languageOf, scriptOf } from './language.ts';
import { findLinks } from './links.ts';
import { addRelevance, postLanguageOf, type Relevance, relevanceOf } from './relevance.ts';
import { addShape } from './shape-features.ts';
import { addGrams, addLinks, addWords, type ReadText } from './text-features.ts';

export { packLesson, unpackLesson } from './lesson.ts';

/** Raised whenever the same evidence gives other features: lessons and starters of another version are not mixed in. */
export const FEATURES_VERSION = 2;

/** What is known of a submission when it is judged. */
export interface Evidence {
  kind: Kind;
  author: { name?: string; email?: string; url?: string };
  title?: string;
  content: string;
  /** The address of the page that links here. */
  source?: string;
  /** The main text of that page. */
  sourceText?: string;
  post?: { title?: string; text?: string };
  /** Texts already approved under the same target, oldest first. */
  thread?: readonly string[];
  /** Facts found by doors and verification, such as `no_link_back` or `honeypot`. */
  signals?: readonly string[];
}

/** The features of a submission. This alone is learned and stored. */
export interface Features {
  /** Group in the high bits, hash bucket in the low ones; sorted, each once. */
  packed: Uint32Array;
}

/** How common words are among the texts a model has learned. */
export interface Background {
  /** Number of texts. */
  readonly documents: number;
  /** Number of texts with this feature. */
  frequency(feature: number): number;
}

/** Nothing known: every word is as rare as any other. */
export const noBackground: Background = { documents: 0, frequency: () => 0 };

/** The longest text that is looked at: its head, and its tail where links like to stand. */
const HEAD_CHARACTERS = 8_000;
const TAIL_CHARACTERS = 4_000;

/** The features of `evidence`. Deterministic; work is bounded by 12,000 characters of content. */
export function extractFeatures(evidence: Evidence, background: Background): Features {
  const set = new FeatureSet();
  gather(set, evidence, background);
  return { packed: set.toSorted() };
}

/** The features of a submission, and what a reader may be told of them. */
export interface Reading {
  features: Features;
  /** Words, author, links and signals by their features; never 4-grams. */
  labels: Map<number, Label>;
  /** How much it is about what it answers; null when that is not known. */
  relevance: Relevance | null;
}

/** The same features with what an explanation needs. */
export function readFeatures(evidence: Evidence, background: Background): Reading {
  const labels = new Map<number, Label>();
  const set = new FeatureSet(labels);
  const relevance = gather(set, evidence, background);
  return { features: { packed: set.toSorted() }, labels, relevance };
}

/** The language of the content, as far as it can be told. */
export function contentLanguageOf(evidence: Evidence): Language {
  return readText(evidence).language;
}

const SIGNAL = groups.indexOf('signal');
const signalSeed = seed('signal');

function gather(set: FeatureSet, evidence: Evidence, background: Background): Relevance | null {
  const text = readText(evidence);
  addWords(set, text);
  addGrams(set, text.folded);
  addLinks(set, text, evidence);
  addShape(set, text, evidence, postLanguageOf(evidence));
  const hosts = text.linked.links.map((link) => link.host);
  addAuthor(set, evidence, text.words, hosts, background);
  const relevance = relevanceOf(topicWords(text, evidence), text.language, evidence, background);
  const name = evidence.author.name;
  const nameWords = name ? nameWordsOf(name) : [];
  addRelevance(set, relevance, evidence, nameWords, hosts.length > 0);
  for (const signal of evidence.signals ?? []) set.addText(SIGNAL, signalSeed, signal, 'signal');
  return relevance;
}

/** What tells the topic of a submission: of a ping, the page that links here, of which its content is an excerpt. */
function topicWords({ titleWords, words }: ReadText, { sourceText }: Evidence): readonly string[] {
  if (!sourceText) return titleWords.length === 0 ? words : [...titleWords, ...words];
  const page = wordsOf(fold(findLinks(sourceText.slice(0, PAGE_CHARACTERS)).plain).text);
  return [...titleWords, ...words, ...page];
}

/** More of a linking page than this says nothing more about its topic. */
const PAGE_CHARACTERS = 8_000;

function readText(evidence: Evidence): ReadText {
  const original = cut(evidence.content);
  const linked = findLinks(original);
  const content = fold(original);
  const plain = linked.plain === original ? content : fold(linked.plain);
  const title = evidence.title === undefined ? '' : fold(evidence.title.slice(0, 500)).text;
  const words = wordsOf(plain.text);
  return {
    original,
    linked,
    folded: title === '' ? content.text : `${title}\n${content.text}`,
    disguised: content.disguised,
    words,
    titleWords: title === '' ? [] : wordsOf(title),
    closing: closingOf(plain.text),
    script: scriptOf(plain.text),
    language: languageOf(words),
  };
}

/** The words of the last line, if it is short and not the only one. */
function closingOf(text: string): string[] {
  const trimmed = text.trimEnd();
  const start = trimmed.lastIndexOf('\n') + 1;
  return start === 0 || trimmed.length - start >= CLOSING_CHARACTERS ? [] : wordsOf(trimmed.slice(start));
}

const CLOSING_CHARACTERS = 50;

function cut(text: string): string {
  if (text.length <= HEAD_CHARACTERS + TAIL_CHARACTERS) return text;
  return `${text.slice(0, HEAD_CHARACTERS)}\n${text.slice(-TAIL_CHARACTERS)}`;
}
