// Strangers' text made safe to show (S14, D2). Works on the text as it was stored, whenever it is shown; stores nothing
// and knows nothing of pages (html.ts).

import { Parser } from 'htmlparser2';
import sanitizeHtml from 'sanitize-html';
import { blockTags, maxDepth, silentTags, walkHtml } from './html.ts';
import { cleanText, createTextSink, decodeEntities, escapeHtml, findUrls } from './text.ts';
import { parseHttpUrl } from './url.ts';

const maxCommentChars = 65_536;
const linkRel = 'nofollow ugc noopener';

/**
 * The safe HTML of a comment's raw text, of which at most 65 536 characters. Text without tags is shown as typed: blank
 * lines divide paragraphs, URLs become links. Text with tags is HTML, of which a few elements stay; it gets paragraphs
 * too unless it has block elements of its own. Too deep a nesting is shown as text (S13).
 */
export function commentHtml(text: string): string {
  const raw = cleanText(text.slice(0, maxCommentChars)).trim();
  if (raw === '') return '';
  if (!/<[a-z/!?]/i.test(raw) || isTooDeep(raw)) return paragraphs(linkUrls(raw));
  const safe = sanitize(raw).trim();
  const hasBlocks = /<(?:p|br|pre|blockquote|ul|ol|li)[ >]/.test(safe);
  const linked = mapText(safe, (piece, isQuiet) => {
    const html = isQuiet ? piece : linkUrls(decodeEntities(piece));
    return hasBlocks ? html : withBreaks(html);
  });
  // Once more, because a paragraph may have ended within an element, and so that nothing follows the sanitizer.
  return sanitize(hasBlocks ? linked : `<p>${linked}</p>`).replace(/<p>\s*<\/p>/g, '');
}

/** The text of an HTML fragment without scripts, styles and the like; paragraphs divided by one newline. Not escaped. */
export function plainText(html: string): string {
  const sink = createTextSink();
  walkHtml<boolean>(html, {
    root: false,
    open(name, _attributes, isSilent) {
      if (blockTags.has(name) || name === 'br') sink.break();
      return isSilent || silentTags.has(name);
    },
    end(name) {
      if (blockTags.has(name)) sink.break();
    },
    text(text, isSilent) {
      if (!isSilent) sink.add(cleanText(text));
    },
  });
  return sink.read();
}

/** The WHATWG form of an http or https URL without credentials; null for everything else, as `javascript:` (S14). */
export function httpUrl(s: string): string | null {
  return parseHttpUrl(s)?.href ?? null;
}

const sanitizing: sanitizeHtml.IOptions = {
  allowedTags: 'a b blockquote br code del em i li ol p pre q strong ul'.split(' '),
  allowedAttributes: { a: ['href', 'rel'] },
  allowedSchemes: ['http', 'https'],
  allowProtocolRelative: false,
  // Not allowed anyway; so the parser of styles is not even asked.
  parseStyleAttributes: false,
  transformTags: {
    a(_name, attributes) {
      const href = httpUrl(attributes.href ?? '');
      // An element that is not allowed: its text stays, it goes.
      return href ? { tagName: 'a', attribs: { href, rel: linkRel } } : { tagName: 'span', attribs: {} };
    },
  },
};

function sanitize(html: string): string {
  return sanitizeHtml(html, sanitizing).replaceAll('<br />', '<br>');
}

/** Whether elements are nested deeper than the sanitizer can take: it needs quadratic time (PACKAGES section 9). */
function isTooDeep(html: string): boolean {
  let depth = 0;
  let deepest = 0;
  const parser = new Parser({
    onopentagname() {
      deepest = Math.max(deepest, ++depth);
      if (deepest > maxDepth) parser.pause();
    },
    onclosetag() {
      depth--;
    },
  });
  parser.end(html);
  return deepest > maxDepth;
}

/** Applies `map` to the text between tags of HTML from the sanitizer; `isQuiet`: in a link or in code. */
function mapText(safe: string, map: (piece: string, isQuiet: boolean) => string): string {
  let quiet = 0;
  // The sanitizer escapes every bracket that is not a tag's, in attributes too.
  return safe
    .split(/(<[^>]*>)/)
    .map((piece, at) => {
      if (at % 2 === 0) return map(piece, quiet > 0);
      if (/^<(?:a|code|pre)[ >]/.test(piece)) quiet++;
      else if (/^<\/(?:a|code|pre)>/.test(piece)) quiet--;
      return piece;
    })
    .join('');
}

/** Plain text as HTML, its URLs as links. */
function linkUrls(text: string): string {
  let html = '';
  let end = 0;
  for (const found of findUrls(text)) {
    const href = httpUrl(found.url);
    if (!href) continue;
    html += escapeHtml(text.slice(end, found.start));
    html += `<a href="${escapeHtml(href)}" rel="${linkRel}">${escapeHtml(found.url)}</a>`;
    end = found.end;
  }
  return html + escapeHtml(text.slice(end));
}

function paragraphs(html: string): string {
  return `<p>${withBreaks(html)}</p>`;
}

function withBreaks(html: string): string {
  return html.replace(/\n[^\S\n]*\n\s*/g, '</p><p>').replaceAll('\n', '<br>');
}
