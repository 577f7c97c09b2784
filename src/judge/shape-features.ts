// The features of how a text looks: lengths, capitals, digits, signs, links, scripts. Not what it says
// (text-features.ts).

import { type FeatureSet, groups, hashText, mix, seed } from './feature-set.ts';
import type { Evidence } from './features.ts';
import type { Language } from './language.ts';
import { type ReadText, step } from './text-features.ts';

const SHAPE = groups.indexOf('shape');

/** Adds the shape of the text: lengths, capitals, digits, signs, links, scripts, kind. */
export function addShape(set: FeatureSet, text: ReadText, evidence: Evidence, postLanguage: Language | null): void {
  const content = text.original;
  const counted = countCharacters(content);
  const words = text.words.length;
  const links = Math.min(text.linked.links.length, 4);
  const length = step(content.length);
  const letters = Math.max(counted.letters, 1);
  const put = (name: number, value: number) => set.add(SHAPE, mix(name, value));
  put(shape.length, length);
  put(shape.words, step(words));
  put(shape.capitals, Math.min(Math.ceil((counted.capitals / letters) * 20), 12));
  put(shape.digits, Math.min(Math.ceil((counted.digits / Math.max(content.length, 1)) * 30), 8));
  put(shape.exclamations, Math.min(counted.exclamations, 4));
  put(shape.questions, Math.min(counted.questions, 2));
  put(shape.lines, step(counted.lines));
  put(shape.links, links);
  put(shape.linksInLength, links * 16 + length);
  put(shape.markup, Math.min(text.linked.tags, 3) * 4 + Math.min(text.linked.bbcode, 3));
  put(shape.emails, Math.min(text.linked.emails, 2));
  put(shape.phone, phone.test(content) ? 1 : 0);
  put(shape.money, money.test(content) ? 1 : 0);
  put(shape.other, Math.min(Math.ceil((counted.other / Math.max(content.length, 1)) * 20), 6));
  put(shape.repeats, words === 0 ? 0 : Math.ceil((new Set(text.words).size / words) * 8));
  put(shape.wordLength, Math.min(Math.round(counted.letters / Math.max(words, 1)), 12));
  put(shape.start, firstShape(content));
  put(shape.end, endShape(content, text.linked.links.length));
  put(shape.disguised, Math.min(text.disguised, 2));
  put(shape.longWord, Math.min(longest(text.words) >> 2, 9));
  set.add(SHAPE, hashText(shape.kind, evidence.kind));
  set.add(SHAPE, hashText(shape.kindLinks + links, evidence.kind));
  set.add(SHAPE, hashText(shape.script, text.script ?? 'none'));
  set.add(SHAPE, hashText(shape.language, text.language));
  if (postLanguage !== null) {
    put(shape.foreign, (text.language === postLanguage ? 0 : 1) + 2 * Math.min(step(words), 4));
  }
  if (evidence.title !== undefined) put(shape.title, step(evidence.title.length));
}

const shape = {
  length: seed('length'),
  words: seed('words'),
  capitals: seed('capitals'),
  digits: seed('digits'),
  exclamations: seed('exclamations'),
  questions: seed('questions'),
  lines: seed('lines'),
  links: seed('links'),
  linksInLength: seed('links in length'),
  markup: seed('markup'),
  emails: seed('emails'),
  phone: seed('phone'),
  money: seed('money'),
  other: seed('other'),
  repeats: seed('repeats'),
  wordLength: seed('word length'),
  start: seed('start'),
  end: seed('end'),
  disguised: seed('disguised'),
  longWord: seed('long word'),
  kind: seed('kind'),
  kindLinks: seed('kind links'),
  script: seed('script'),
  language: seed('language'),
  foreign: seed('foreign'),
  title: seed('title'),
};

const phone = /\+?\d[\d\-–. ()]{6,18}\d/;
const money = /[$€£¥₽₹]|\b(?:usd|eur|gbp|btc|rub)\b/i;

interface CharacterCounts {
  letters: number;
  capitals: number;
  digits: number;
  exclamations: number;
  questions: number;
  lines: number;
  other: number;
}

function countCharacters(text: string): CharacterCounts {
  const counts = { letters: 0, capitals: 0, digits: 0, exclamations: 0, questions: 0, lines: 0, other: 0 };
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x61 && code <= 0x7a) counts.letters++;
    else if (code === 32) continue;
    else if (code < 0x41) countSign(counts, code);
    else if (isCapital(code)) {
      counts.letters++;
      counts.capitals++;
    } else if (code === 0xff01) counts.exclamations++;
    else if (code === 0xff1f) counts.questions++;
    else if (code >= 0xc0) counts.letters++;
    else counts.other++;
  }
  return counts;
}

function countSign(counts: CharacterCounts, code: number): void {
  if (code >= 0x30 && code <= 0x39) counts.digits++;
  else if (code === 10) counts.lines++;
  else if (code === 0x21) counts.exclamations++;
  else if (code === 0x3f) counts.questions++;
  else counts.other++;
}

function isCapital(code: number): boolean {
  return (
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0xc0 && code <= 0xde && code !== 0xd7) ||
    (code >= 0x400 && code <= 0x42f)
  );
}

function firstShape(text: string): number {
  const first = text.trimStart().charCodeAt(0);
  if (Number.isNaN(first)) return 0;
  if (isCapital(first)) return 1;
  if (first >= 0x61 && first <= 0x7a) return 2;
  if (first >= 0x30 && first <= 0x39) return 3;
  return first >= 0xc0 ? 4 : 5;
}

function endShape(text: string, links: number): number {
  const trimmed = text.trimEnd();
  const last = trimmed.charCodeAt(trimmed.length - 1);
  if (links > 0 && linkAtEnd.test(trimmed.slice(-120))) return 1;
  if (last === 0x2e) return 2;
  if (last === 0x21) return 3;
  if (last === 0x3f) return 4;
  if (last >= 0x30 && last <= 0x39) return 5;
  return last === 0x29 ? 6 : 7;
}

const linkAtEnd = /(?:https?:\/\/|www\.)\S+$|<\/a>$|\[\/url\]$/i;

function longest(words: readonly string[]): number {
  let most = 0;
  for (const word of words) if (word.length > most) most = word.length;
  return most;
}
