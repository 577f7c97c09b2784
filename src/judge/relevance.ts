// How much a submission is about what it answers: its words against the post and what was approved below it, measured
// against the words of the whole site. Topic only: it does not judge what is said.

import { type FeatureSet, groups, mix, pack, seed } from './feature-set.ts';
import type { Background, Evidence } from './features.ts';
import { fold, wordsOf } from './fold.ts';
import { isStopWord, type Language, languageOf, stem } from './language.ts';
import { findLinks } from './links.ts';
import { step, wordHash } from './text-features.ts';

/** The measure of one submission. */
export interface Relevance {
  /** Words that can say something about a topic, each once. */
  words: number;
  /** How many of them stand in the post or the thread, in the post's title, in the thread. */
  shared: number;
  sharedTitle: number;
  sharedThread: number;
  /** Log-likelihood ratio of topic against background, over the root of `words`; above 0: on topic. */
  score: number;
}

const WORDS = groups.indexOf('words');
const RELEVANCE = groups.indexOf('relevance');

/** The share of a topic's language that is the topic's own and not the background's (Jelinek-Mercer smoothing). */
const OWN_SHARE = 0.5;
const CONTENT_WORDS = 120;
const TITLE_CHARACTERS = 300;
const POST_CHARACTERS = 12_000;
const THREAD_TEXTS = 100;
const THREAD_CHARACTERS = 1_000;

/** Measures the topic; null when the submission answers nothing that is known. */
export function relevanceOf(
  words: readonly string[],
  language: Language,
  evidence: Evidence,
  background: Background,
): Relevance | null {
  const topic = topicOf(evidence);
  if (topic === null) return null;
  const found: Relevance = { words: 0, shared: 0, sharedTitle: 0, sharedThread: 0, score: 0 };
  const seen = new Set<string>();
  for (const word of words) {
    if (found.words >= CONTENT_WORDS) break;
    if (word.length < 2 || isStopWord(word) || seen.has(word)) continue;
    seen.add(word);
    countWord(found, word, stem(word, language), topic, background);
  }
  if (found.words > 0) found.score /= Math.sqrt(found.words);
  return found;
}

/** The parts of a topic, and how many words they hold together. */
interface Topic {
  title: WordBag | null;
  text: WordBag | null;
  thread: WordBag[];
  size: number;
}

function topicOf(evidence: Evidence): Topic | null {
  const title = evidence.post?.title ? readBag(evidence.post.title, TITLE_CHARACTERS) : null;
  const text = evidence.post?.text ? readBag(evidence.post.text, POST_CHARACTERS) : null;
  if (title === null && text === null) return null;
  const thread = (evidence.thread ?? []).slice(-THREAD_TEXTS).map((said) => readBag(said, THREAD_CHARACTERS));
  let size = (title?.size ?? 0) + (text?.size ?? 0);
  for (const bag of thread) size += bag.size;
  return { title, text, thread, size };
}

function countWord(found: Relevance, word: string, stemmed: string, topic: Topic, background: Background): void {
  const inTitle = topic.title?.count(word, stemmed) ?? 0;
  let inThread = 0;
  for (const bag of topic.thread) inThread += bag.count(word, stemmed);
  const times = inTitle + (topic.text?.count(word, stemmed) ?? 0) + inThread;
  found.words++;
  if (times > 0) found.shared++;
  if (inTitle > 0) found.sharedTitle++;
  if (inThread > 0) found.sharedThread++;
  const own = times / Math.max(topic.size, 1);
  found.score += Math.log((OWN_SHARE * own) / rate(word, background) + 1 - OWN_SHARE);
}

// The chance that a word of any text is this one: texts hold about 15 different words that are no stop words.
function rate(word: string, background: Background): number {
  return (background.frequency(pack(WORDS, wordHash(word))) + 0.5) / ((background.documents + 30) * 15);
}

const names = {
  score: seed('relevance'),
  scoreInLength: seed('relevance in length'),
  share: seed('shared words'),
  title: seed('shared title'),
  thread: seed('shared thread'),
  author: seed('name on topic'),
  linked: seed('relevance with links'),
};

/** Adds the measure as steps: score, shared words, both with the length of the text, words of the author's name. */
export function addRelevance(
  set: FeatureSet,
  found: Relevance | null,
  evidence: Evidence,
  nameWords: readonly string[],
  hasLinks: boolean,
): void {
  const put = (field: number, value: number) => set.add(RELEVANCE, mix(field, value));
  if (found === null) return;
  const length = Math.min(step(found.words), 6);
  const score = found.words === 0 ? 15 : Math.max(0, Math.min(Math.floor((found.score + 3) * 2), 14));
  put(names.score, score);
  put(names.scoreInLength, length * 16 + (score >> 1));
  put(names.share, length * 8 + Math.min(found.shared, 3) + (found.shared * 2 > found.words ? 4 : 0));
  put(names.title, Math.min(found.sharedTitle, 4) + (length > 2 ? 8 : 0));
  put(names.linked, (score >> 1) * 4 + (hasLinks ? 1 : 0));
  if ((evidence.thread?.length ?? 0) > 2) put(names.thread, Math.min(found.sharedThread, 4) + length * 8);
  if (nameWords.length > 0) put(names.author, nameOnTopic(nameWords, evidence));
}

function nameOnTopic(nameWords: readonly string[], evidence: Evidence): number {
  const title = evidence.post?.title ? readBag(evidence.post.title, TITLE_CHARACTERS) : null;
  const text = evidence.post?.text ? readBag(evidence.post.text, POST_CHARACTERS) : null;
  const shared = nameWords.filter(
    (word) =>
      word.length > 2 &&
      !isStopWord(word) &&
      ((title?.count(word, word) ?? 0) > 0 || (text?.count(word, word) ?? 0) > 0),
  ).length;
  return Math.min(shared, 2) * 4 + Math.min(nameWords.length, 3);
}

/** The language of the post, null when there is none to tell it by. */
export function postLanguageOf(evidence: Evidence): Language | null {
  const text = evidence.post?.text || evidence.post?.title;
  return text ? readBag(text, POST_CHARACTERS).language : null;
}

/** A text as a bag of words and stems. */
class WordBag {
  size = 0;
  readonly language: Language;
  readonly #counts = new Map<string, number>();

  constructor(text: string) {
    const words = wordsOf(fold(findLinks(text).plain).text);
    this.language = languageOf(words);
    for (const word of words) {
      if (word.length < 2 || isStopWord(word)) continue;
      this.size++;
      this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
      const stemmed = stem(word, this.language);
      if (stemmed !== word) this.#counts.set(stemmed, (this.#counts.get(stemmed) ?? 0) + 1);
    }
  }

  count(word: string, stemmed: string): number {
    return Math.max(this.#counts.get(word) ?? 0, this.#counts.get(stemmed) ?? 0);
  }
}

// Many submissions answer one post: its words are kept. Same text, same words, so the cache changes no result.
const MOST_CHARACTERS = 4_000_000;
const bags = new Map<string, WordBag>();
let characters = 0;

function readBag(text: string, most: number): WordBag {
  const cut = text.length > most ? text.slice(0, most) : text;
  const known = bags.get(cut);
  if (known !== undefined) return known;
  if (characters > MOST_CHARACTERS) {
    bags.clear();
    characters = 0;
  }
  const bag = new WordBag(cut);
  bags.set(cut, bag);
  characters += cut.length;
  return bag;
}
