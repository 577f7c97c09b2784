// Which language a text is in, roughly, and the stop words and stemmers of the languages known here. The only file that
// imports `natural`, by subpath. A guess for comparing words with words; it does not identify languages reliably.

import english from 'natural/lib/natural/stemmers/porter_stemmer.js';
import german from 'natural/lib/natural/stemmers/porter_stemmer_de.js';
import spanish from 'natural/lib/natural/stemmers/porter_stemmer_es.js';
import french from 'natural/lib/natural/stemmers/porter_stemmer_fr.js';
import italian from 'natural/lib/natural/stemmers/porter_stemmer_it.js';
import dutch from 'natural/lib/natural/stemmers/porter_stemmer_nl.js';
import norwegian from 'natural/lib/natural/stemmers/porter_stemmer_no.js';
import portuguese from 'natural/lib/natural/stemmers/porter_stemmer_pt.js';
import russian from 'natural/lib/natural/stemmers/porter_stemmer_ru.js';
import swedish from 'natural/lib/natural/stemmers/porter_stemmer_sv.js';
import englishStops from 'natural/lib/natural/util/stopwords.js';
import spanishStops from 'natural/lib/natural/util/stopwords_es.js';
import frenchStops from 'natural/lib/natural/util/stopwords_fr.js';
import italianStops from 'natural/lib/natural/util/stopwords_it.js';
import dutchStops from 'natural/lib/natural/util/stopwords_nl.js';
import norwegianStops from 'natural/lib/natural/util/stopwords_no.js';
import polishStops from 'natural/lib/natural/util/stopwords_pl.js';
import portugueseStops from 'natural/lib/natural/util/stopwords_pt.js';
import russianStops from 'natural/lib/natural/util/stopwords_ru.js';
import swedishStops from 'natural/lib/natural/util/stopwords_sv.js';
import ukrainianStops from 'natural/lib/natural/util/stopwords_uk.js';

/** A language this file knows (ISO 639-1), a script where that is all that can be told, or `unknown`. */
export type Language =
  | 'en'
  | 'de'
  | 'es'
  | 'fr'
  | 'it'
  | 'nl'
  | 'no'
  | 'pl'
  | 'pt'
  | 'ru'
  | 'sv'
  | 'uk'
  | Script
  | 'unknown';

/** The scripts that are told apart. `han` is Chinese, or Japanese without kana. */
export type Script =
  | 'latin'
  | 'cyrillic'
  | 'greek'
  | 'arabic'
  | 'hebrew'
  | 'thai'
  | 'han'
  | 'kana'
  | 'hangul'
  | 'indic';

/** Longer tokens are cut before any stemmer: Porter's is quadratic and worse on made-up words. */
export const TOKEN_LIMIT = 40;

/** The script most letters of `text` are in, by its first 400 code units; null if it has no letters. */
export function scriptOf(text: string): Script | null {
  const counts = new Map<Script, number>();
  let best: Script | null = null;
  let most = 0;
  const end = Math.min(text.length, 400);
  for (let i = 0; i < end; i++) {
    const script = scriptOfCode(text.charCodeAt(i));
    if (script === null) continue;
    const count = (counts.get(script) ?? 0) + 1;
    counts.set(script, count);
    if (count > most) {
      most = count;
      best = script;
    }
  }
  // Japanese mixes kana with more Han than kana at times.
  return best === 'han' && (counts.get('kana') ?? 0) * 5 > most ? 'kana' : best;
}

/** The language of folded `words`, by their script and the stop words among the first 200; the script if no list fits. */
export function languageOf(words: readonly string[]): Language {
  const script = scriptOf(words.length > 60 ? words.slice(0, 60).join(' ') : words.join(' '));
  if (script === null) return 'unknown';
  if (script !== 'latin' && script !== 'cyrillic') return script;
  const hits = new Uint16Array(listed.length);
  const end = Math.min(words.length, 200);
  for (let i = 0; i < end; i++) {
    const at = stopIndex.get(words[i] as string);
    if (at !== undefined) for (const language of at) hits[language] = (hits[language] as number) + 1;
  }
  let best = -1;
  for (let i = 0; i < hits.length; i++) {
    if ((hits[i] as number) > 0 && (best < 0 || (hits[i] as number) > (hits[best] as number))) best = i;
  }
  if (best < 0) return script;
  return (listed[best] as [Language, readonly string[]])[0];
}

/** Whether `word` (folded) is one of the commonest words of any language known here, which say nothing about a topic. */
export function isStopWord(word: string): boolean {
  return stopIndex.has(word);
}

/** The stem of a folded `word` by the language's Snowball or Porter stemmer; the word itself where there is none. */
export function stem(word: string, language: Language): string {
  const stemmer = stemmers.get(language);
  if (stemmer === undefined) return word;
  const cut = word.length > TOKEN_LIMIT ? word.slice(0, TOKEN_LIMIT) : word;
  const key = `${language}:${cut}`;
  const known = stems.get(key);
  if (known !== undefined) return known;
  // Cleared whole when full: cheaper than an order of use, and the common words are back at once.
  if (stems.size >= STEMS_LIMIT) stems.clear();
  const found = stemmer.stem(cut);
  stems.set(key, found);
  return found;
}

const STEMS_LIMIT = 50_000;
const stems = new Map<string, string>();

const stemmers = new Map<Language, { stem(token: string): string }>([
  ['en', english],
  ['latin', english],
  ['de', german],
  ['es', spanish],
  ['fr', french],
  ['it', italian],
  ['nl', dutch],
  ['no', norwegian],
  ['pt', portuguese],
  ['ru', russian],
  ['cyrillic', russian],
  ['sv', swedish],
]);

// `natural` has no German list of its own: the fifty-odd commonest words.
const germanStops = (
  'der die das und oder aber ist sind war waren bin bist ich du er sie es wir ihr mich dich sich uns euch mein dein sein ' +
  'ein eine einen einem einer eines kein keine nicht auch auf aus bei mit nach von zu zum zur für gegen ohne um durch über ' +
  'unter vor hinter zwischen wie was wer wo wann warum wenn dann denn weil dass als ob so noch nur schon sehr mehr hier dort ' +
  'da dem den des im am an in hat habe haben hatte wird werden wurde kann können muss soll will man diese dieser dieses'
).split(' ');

// Words the English list of `natural` lacks and that are common in comments.
const englishMore =
  'the a an i you your yours would will just not no yes there too really please thanks thank dont im ive its us so'.split(
    ' ',
  );

const listed: [Language, readonly string[]][] = [
  ['en', [...englishStops.words, ...englishMore]],
  ['de', germanStops],
  ['es', spanishStops.words],
  ['fr', frenchStops.words],
  ['it', italianStops.words],
  ['nl', dutchStops.words],
  ['no', norwegianStops.words],
  ['pl', polishStops.words],
  ['pt', portugueseStops.words],
  ['ru', russianStops.words],
  ['sv', swedishStops.words],
  ['uk', ukrainianStops.words],
];

const stopIndex = indexStops();

function indexStops(): Map<string, number[]> {
  const index = new Map<string, number[]>();
  listed.forEach(([, words], language) => {
    for (const raw of new Set(words)) {
      const word = raw.toLowerCase();
      if (!/^\p{L}/u.test(word)) continue;
      const at = index.get(word);
      if (at === undefined) index.set(word, [language]);
      else if (!at.includes(language)) at.push(language);
    }
  });
  return index;
}

function scriptOfCode(code: number): Script | null {
  if (code < 0x41) return null;
  if (code < 0x250) return isLatinLetter(code) ? 'latin' : null;
  for (let i = 0; i < ranges.length; i++) {
    const [from, to, script] = ranges[i] as [number, number, Script];
    if (code >= from && code <= to) return script;
  }
  return null;
}

function isLatinLetter(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0xc0 && code !== 0xd7 && code !== 0xf7);
}

const ranges: [number, number, Script][] = [
  [0x400, 0x52f, 'cyrillic'],
  [0x370, 0x3ff, 'greek'],
  [0x590, 0x5ff, 'hebrew'],
  [0x600, 0x77f, 'arabic'],
  [0x8a0, 0x8ff, 'arabic'],
  [0x900, 0xdff, 'indic'],
  [0xe00, 0xeff, 'thai'],
  [0x1e00, 0x1eff, 'latin'],
  [0x3040, 0x30ff, 'kana'],
  [0x3400, 0x9fff, 'han'],
  [0xac00, 0xd7af, 'hangul'],
  [0x1100, 0x11ff, 'hangul'],
];
