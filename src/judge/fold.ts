// Folds a text to what a reader takes it for: disguised letters, invisible characters and spaced-out words go. For
// judging only: nothing folded here is ever shown or stored.

import { TOKEN_LIMIT } from './language.ts';

/** Folded text, and how many disguises were taken off: foreign or styled letters in a word, hidden characters, spacing. */
export interface Folded {
  text: string;
  disguised: number;
}

/**
 * Folds `text`: NFKC (full-width and mathematical letters), lower case, invisible characters and stacked marks out,
 * look-alike letters of another script inside a word folded to the word's own (Unicode TR 39), `f.r.e.e` and `f r e e` joined.
 */
export function fold(text: string): Folded {
  let folded = text;
  let disguised = 0;
  if (beyondAscii.test(text)) {
    if (styledLetter.test(text)) disguised++;
    const composed = text.normalize('NFKC').replace(pictureLetters, plainLetters);
    const visible = composed.replace(invisible, '').replace(stackedMarks, '');
    // Emoji are joined by zero-width joiners, so that one alone is no disguise.
    if (visible.length < composed.length && hiddenInWord.test(composed)) disguised++;
    folded = visible.toLowerCase();
    if (mixedScripts.test(folded)) {
      folded = folded.replace(letterRun, (word) => {
        const plain = foldLookAlikes(word);
        if (plain !== word) disguised++;
        return plain;
      });
    }
  } else {
    folded = text.toLowerCase();
  }
  if (spacedOut.test(folded)) {
    folded = folded.replace(spacedOutAll, (run) => {
      disguised++;
      return run.replace(separators, '');
    });
  }
  return { text: folded, disguised };
}

/**
 * The words of a folded text in order, at most `limit`, each at most 40 characters. Runs of Chinese, Japanese, Thai,
 * Lao, Khmer or Burmese, which put no spaces between words, come as overlapping pairs of characters.
 */
export function wordsOf(folded: string, limit = 4000): string[] {
  const words: string[] = [];
  for (const [token] of folded.matchAll(wordToken)) {
    if (words.length >= limit) break;
    if (hasUnspaced(token)) addUnspaced(token, words, limit);
    else words.push(token.length > TOKEN_LIMIT ? token.slice(0, TOKEN_LIMIT) : token);
  }
  return words;
}

/** The word with digits and signs put back to the letters they stand for (`v1agra`, `ca$h`); null if there are none. */
export function undisguise(word: string): string | null {
  if (!leet.test(word)) return null;
  let out = '';
  for (const character of word) out += leetLetters.get(character) ?? character;
  return out.normalize('NFD').replace(marks, '');
}

const beyondAscii = /[^\x00-\x7f]/;
// Soft hyphens, zero-width spaces, direction marks, variation selectors; marks that stay when all is composed.
const invisible = /[\p{DI}\u0640]/gu;
// Mathematical letters and letters in circles or squares, which nobody types by accident.
const styledLetter = /[\u{1d400}-\u{1d7ff}\u24b6-\u24e9\u{1f130}-\u{1f189}\u1d00-\u1d22]|[\u{1f1e6}-\u{1f1ff}]{5}/u;
// What NFKC leaves: white letters on black, small capitals, and flags' letters where they are more than one flag.
const pictureLetters = /[\u{1f150}-\u{1f189}]|[ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ]|[\u{1f1e6}-\u{1f1ff}]{5,}/gu;
const marks = /\p{M}/gu;
const stackedMarks = /\p{sc=Zinh}/gu;
const hiddenInWord = /[\p{sc=Latn}\p{sc=Cyrl}]\p{DI}[\p{sc=Latn}\p{sc=Cyrl}]/u;
const mixedScripts = /\p{sc=Latn}[\p{sc=Cyrl}\p{sc=Grek}]|[\p{sc=Cyrl}\p{sc=Grek}]\p{sc=Latn}/u;
const letterRun = /[\p{sc=Latn}\p{sc=Cyrl}\p{sc=Grek}]+/gu;
const spacedOut = /(?<![\p{L}\p{N}])\p{L}([.\-_*·| ])\p{L}(?![\p{L}\p{M}\p{N}])(?:\1\p{L}(?![\p{L}\p{M}\p{N}])){2}/u;
const spacedOutAll =
  /(?<![\p{L}\p{N}])\p{L}([.\-_*·| ])\p{L}(?![\p{L}\p{M}\p{N}])(?:\1\p{L}(?![\p{L}\p{M}\p{N}])){2,}/gu;
const separators = /[.\-_*·| ]/g;
const wordToken = /[\p{L}\p{N}@$](?:[\p{L}\p{M}\p{N}_@$]|['’](?=\p{L}))*|\p{Extended_Pictographic}/gu;
const leet = /^(?=.*\p{L})(?=.*[0134570@$]).{3,20}$/u;

const leetLetters = new Map([
  ['0', 'o'],
  ['1', 'i'],
  ['3', 'e'],
  ['4', 'a'],
  ['5', 's'],
  ['7', 't'],
  ['@', 'a'],
  ['$', 's'],
]);

// The confusables of TR 39 that look like each other in lower case.
const lookAlikes: [latin: string, cyrillic: string, greek: string][] = [
  ['a', 'а', 'α'],
  ['b', 'ь', 'β'],
  ['c', 'с', 'ς'],
  ['d', 'ԁ', ''],
  ['e', 'е', 'ε'],
  ['g', 'ԍ', ''],
  ['h', 'һ', ''],
  ['i', 'і', 'ι'],
  ['j', 'ј', ''],
  ['k', 'к', 'κ'],
  ['m', 'м', ''],
  ['n', 'п', 'η'],
  ['o', 'о', 'ο'],
  ['p', 'р', 'ρ'],
  ['q', 'ԛ', ''],
  ['r', 'г', ''],
  ['s', 'ѕ', ''],
  ['t', 'т', 'τ'],
  ['u', 'и', 'υ'],
  ['v', 'ѵ', 'ν'],
  ['w', 'ԝ', 'ω'],
  ['x', 'х', 'χ'],
  ['y', 'у', 'γ'],
];
const toLatin = new Map<string, string>();
const toLatinExact = new Map<string, string>();
const toCyrillic = new Map<string, string>();
for (const [latin, cyrillic, greek] of lookAlikes) {
  toLatin.set(cyrillic, latin);
  if (!'bkmnrtu'.includes(latin)) toLatinExact.set(cyrillic, latin);
  if (greek !== '') toLatin.set(greek, latin);
  toCyrillic.set(latin, cyrillic);
  if (greek !== '') toCyrillic.set(greek, cyrillic);
}

const smallCapitals = 'ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ';
const plainCapitals = 'abcdefghijklmnoprstuvwyz';

function plainLetters(run: string): string {
  let out = '';
  for (const character of run) {
    const small = smallCapitals.indexOf(character);
    if (small >= 0) out += plainCapitals[small];
    else out += String.fromCharCode(0x61 + letterOfPicture(character.codePointAt(0) as number));
  }
  return out;
}

// Three alphabets follow each other in their blocks, and the flags' letters stand apart.
function letterOfPicture(code: number): number {
  if (code >= 0x1f1e6) return code - 0x1f1e6;
  return code >= 0x1f170 ? code - 0x1f170 : code - 0x1f150;
}

function foldLookAlikes(word: string): string {
  let latin = 0;
  let cyrillic = 0;
  let greek = 0;
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    if (code >= 0x400 && code <= 0x52f) cyrillic++;
    else if (code >= 0x370 && code <= 0x3ff) greek++;
    else latin++;
  }
  if ((cyrillic === 0 && greek === 0) || (latin === 0 && (cyrillic === 0 || greek === 0))) return word;
  if (latin >= cyrillic) return exchange(word, toLatin, isLatin);
  // Mostly Cyrillic: a Latin word only if every letter is the very image of a Latin one, else a Cyrillic one in disguise.
  const plain = exchange(word, toLatinExact, isLatin);
  return plain === word ? exchange(word, toCyrillic, isCyrillic) : plain;
}

// The word with foreign letters exchanged; as it is if one has no double: then it is two words run together.
function exchange(word: string, doubles: ReadonlyMap<string, string>, isOwn: (code: number) => boolean): string {
  let out = '';
  for (const character of word) {
    if (isOwn(character.charCodeAt(0))) {
      out += character;
      continue;
    }
    const own = doubles.get(character);
    if (own === undefined) return word;
    out += own;
  }
  return out;
}

function isCyrillic(code: number): boolean {
  return code >= 0x400 && code <= 0x52f;
}

function isLatin(code: number): boolean {
  return code < 0x370;
}

function hasUnspaced(token: string): boolean {
  for (let i = 0; i < token.length; i++) if (isUnspaced(token.charCodeAt(i))) return true;
  return false;
}

function isUnspaced(code: number): boolean {
  if (code < 0xe00) return false;
  return (
    code <= 0xeff || // Thai and Lao
    (code >= 0x1000 && code <= 0x109f) || // Burmese
    (code >= 0x1780 && code <= 0x17ff) || // Khmer
    (code >= 0x3040 && code <= 0x30ff) || // kana
    (code >= 0x3400 && code <= 0x9fff) || // Han
    (code >= 0xd800 && code <= 0xdfff) // rare Han and other letters beyond the basic plane
  );
}

function addUnspaced(token: string, words: string[], limit: number): void {
  let start = 0;
  while (start < token.length && words.length < limit) {
    const unspaced = isUnspaced(token.charCodeAt(start));
    let end = start + 1;
    while (end < token.length && isUnspaced(token.charCodeAt(end)) === unspaced) end++;
    if (!unspaced || end - start <= 2) words.push(token.slice(start, Math.min(end, start + TOKEN_LIMIT)));
    else for (let i = start; i + 2 <= end && words.length < limit; i++) words.push(token.slice(i, i + 2));
    start = end;
  }
}
