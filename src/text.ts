// Text on its way in and out: cleaning, cropping, entities, escaping, and the URLs in running text. Pure; knows no HTML
// structure (html.ts) and does not decide what markup is allowed (sanitize.ts).

import { Parser } from 'htmlparser2';
import { maxUrlLength } from './url.ts';

/**
 * Makes text fit to store: no control characters but tab and newline (PostgreSQL refuses U+0000), every line ending as
 * `\n`, lone surrogates as U+FFFD. Idempotent.
 */
export function cleanText(s: string): string {
  return s
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '')
    .replace(/\r\n?/g, '\n')
    .replace(/\p{Surrogate}/gu, '\ufffd');
}

/**
 * At most `maxChars` code points of `s`; a longer text is cut at the last space and ends in `…`, which counts. Text
 * without a space in the second half (Japanese, a long URL) is cut where it stands.
 */
export function crop(s: string, maxChars: number): string {
  let chars = 0;
  let cut = 0;
  let length = 0;
  for (const char of s) {
    if (chars === maxChars) {
      const head = s.slice(0, cut);
      const space = /\s/.test(s.charAt(cut)) ? cut : lastSpace(head);
      const end = space >= head.length / 2 ? space : head.length;
      return maxChars > 0 ? `${head.slice(0, end).trimEnd()}…` : '';
    }
    chars++;
    length += char.length;
    if (chars === maxChars - 1) cut = length;
  }
  return s;
}

/** White space of any kind and length as one space, none at the ends. */
export function collapse(s: string): string {
  return s.replace(/\s+/g, ' ').trim();
}

/**
 * Decodes HTML character references once (T7), as a browser does in text. The answer may hold control characters
 * (`&#1;`): clean it afterwards.
 */
export function decodeEntities(s: string): string {
  if (!s.includes('&')) return s;
  let text = '';
  const parser = new Parser({
    ontext(data) {
      text += data;
    },
  });
  // Hidden so that nothing reads as a tag.
  parser.end(s.replaceAll('<', '&lt;'));
  return text;
}

const htmlEscapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes for HTML text and for attribute values in either quotes. */
export function escapeHtml(s: string): string {
  return s.replace(/[&<>"']/g, (char) => htmlEscapes[char] ?? char);
}

/** Escapes for XML 1.0 text and attribute values, without the characters that XML 1.0 forbids (section 2.2). */
export function escapeXml(s: string): string {
  return escapeHtml(s.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\p{Surrogate}\ufffe\uffff]/gu, ''));
}

/** A URL in running text: `start` and `end` are UTF-16 offsets. */
export interface FoundUrl {
  url: string;
  start: number;
  end: number;
}

/**
 * The http(s) URLs in plain text, without the punctuation that follows them. One that is part of something longer, as
 * in `evil.example/?u=https://a.example/`, does not count (W8).
 */
export function findUrls(text: string): FoundUrl[] {
  const found: FoundUrl[] = [];
  for (const match of text.matchAll(urlPattern)) {
    const before = text.charAt(match.index - 1);
    if (match.index > 0 && /[\w/?=&%#~+@.-]/.test(before)) continue;
    if (match[0].length > maxUrlLength) continue;
    const url = withoutPunctuation(match[0]);
    if (url.length <= url.indexOf('//') + 2) continue;
    found.push({ url, start: match.index, end: match.index + url.length });
  }
  return found;
}

/** Text gathered piece by piece, white space collapsed, paragraphs divided by one newline. */
export interface TextSink {
  /** UTF-16 length so far; a separator still to come is not counted. */
  length(): number;
  add(text: string): void;
  /** Ends a paragraph. */
  break(): void;
  /** Everything, joined. */
  read(): string;
}

/** An empty sink. */
export function createTextSink(): TextSink {
  // Joined once at the end: asking a growing string for its last character costs its whole length.
  const pieces: string[] = [];
  let length = 0;
  let separator = '';
  return {
    length: () => length,
    add(text) {
      const words = collapse(text);
      if (/^\s/.test(text)) separator ||= ' ';
      if (words === '') return;
      const piece = length > 0 ? separator + words : words;
      pieces.push(piece);
      length += piece.length;
      separator = /\s$/.test(text) ? ' ' : '';
    },
    break() {
      separator = '\n';
    },
    read: () => pieces.join(''),
  };
}

const urlPattern =
  /https?:\/\/[^\s<>"`\u3001\u3002\u3008-\u3011\uff01\uff08\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\ufffd]+/giu;

const closers: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

function withoutPunctuation(url: string): string {
  let end = url.length;
  const surplus: Record<string, number> = {};
  for (const [closer, opener] of Object.entries(closers)) {
    surplus[closer] = url.split(closer).length - url.split(opener).length;
  }
  for (; end > 0; end--) {
    const last = url.charAt(end - 1);
    if (closers[last]) {
      // A bracket that the URL itself opened belongs to it.
      const extra = surplus[last] ?? 0;
      if (extra <= 0) break;
      surplus[last] = extra - 1;
    } else if (!/[.,;:!?'’”»…]/.test(last)) break;
  }
  return url.slice(0, end);
}

function lastSpace(s: string): number {
  for (let at = s.length - 1; at >= 0; at--) {
    if (/\s/.test(s.charAt(at))) return at;
  }
  return -1;
}
