// Strangers' text made safe to show (S14, D2). Works on the text as it was stored, whenever it is shown; stores nothing
// and knows nothing of pages (html.ts).

import { Parser } from 'htmlparser2';
import sanitizeHtml from 'sanitize-html';
import { blockTags, maxDepth, silentTags, walkHtml } from './html-walk.ts';
import { cleanText, createTextSink, decodeEntities, escapeHtml, findUrls } from './text.ts';
import { parseHttpUrl } from './url.ts';

const maxCommentChars = 65_536;
const linkRel = 'nofollow ugc noopener';

/**
 * The safe HTML of a comment's raw text, of which at most 65 536 characters. Text without tags is shown as typed: blank
 * lines divide paragraphs, URLs become links. Text with tags is HTML, of which a few elements stay; it gets paragraphs
 * too, outside its own blocks and unless it has `p` or `br` itself. Too deep a nesting is shown as text (S13).
 */
export function commentHtml(text: string): string {
  const raw = cleanText(text.slice(0, maxCommentChars)).trim();
  if (raw === '') return '';
  const html = escapeUnknownTags(raw);
  if (!html.includes('<') || isTooDeep(html)) return `<p>${withBreaks(linkUrls(raw))}</p>`;
  // Once more at the end, because a paragraph may have ended within an element, and so that nothing follows the sanitizer.
  return sanitize(withLinksAndParagraphs(sanitize(html).trim())).replace(/<p>\s*<\/p>/g, '');
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

const sanitizing: sanitizeHtml.IOptions = {
  allowedTags: 'a b blockquote br code del em i li ol p pre q strong ul'.split(' '),
  allowedAttributes: { a: ['href', 'rel'] },
  allowedSchemes: ['http', 'https'],
  allowProtocolRelative: false,
  // Not allowed anyway; so the parser of styles is not even asked.
  parseStyleAttributes: false,
  transformTags: {
    a(_name, attributes) {
      const href = parseHttpUrl(attributes.href ?? '')?.href;
      // An element that is not allowed: its text stays, it goes.
      return href ? { tagName: 'a', attribs: { href, rel: linkRel } } : { tagName: 'span', attribs: {} };
    },
  },
};

function sanitize(html: string): string {
  return sanitizeHtml(html, sanitizing).replaceAll('<br />', '<br>');
}

/** What is taken for a tag, to be kept or dropped. */
const knownTags = new Set(
  (
    'a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br ' +
    'button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em ' +
    'embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i ' +
    'iframe img input ins kbd label legend li link main map mark marquee math menu meta meter nav nobr noembed ' +
    'noframes noscript object ol optgroup option output p param picture plaintext pre progress q rp rt ruby s samp ' +
    'script section select slot small source span strike strong style sub summary sup svg table tbody td template ' +
    'textarea tfoot th thead time title tr track tt u ul var video wbr xmp'
  ).split(' '),
);

/** Escapes what only looks like a tag and would be dropped as one: vector<int>, <https://a.example/>. */
function escapeUnknownTags(text: string): string {
  return text.replace(/<(?!!--)(?:\/?([a-z][a-z0-9]*)(?=[\s/>]))?/gi, (start, name: string | undefined) =>
    name && knownTags.has(name.toLowerCase()) ? start : `&lt;${start.slice(1)}`,
  );
}

/** Whether elements are nested deeper than the sanitizer can take: it needs quadratic time. */
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

const quietTags = new Set(['a', 'code', 'pre']);
const ownBlocks = new Set(['blockquote', 'li', 'ol', 'pre', 'ul']);

/** Links URLs and makes paragraphs in HTML from the sanitizer; elements that cross a paragraph's end stay open. */
function withLinksAndParagraphs(safe: string): string {
  const hasParagraphs = /<(?:p|br)>/.test(safe);
  // The sanitizer escapes every bracket that is not a tag's, in attributes too.
  const pieces = safe.split(/(<[^>]*>)/);
  let quiet = 0;
  let block = 0;
  const dressed = pieces.map((piece, at) => {
    if (at % 2 === 0) {
      const html = quiet > 0 ? piece : linkUrls(decodeEntities(piece));
      if (hasParagraphs || block > 0) return html;
      const trimmed = nesting(pieces[at - 1], ownBlocks) === 0 ? html : html.trimStart();
      return withBreaks(nesting(pieces[at + 1], ownBlocks) === 0 ? trimmed : trimmed.trimEnd());
    }
    quiet += nesting(piece, quietTags);
    const step = nesting(piece, ownBlocks);
    const before = block;
    block += step;
    if (hasParagraphs || before * block > 0 || step === 0) return piece;
    return step > 0 ? `</p>${piece}` : `${piece}<p>`;
  });
  return hasParagraphs ? dressed.join('') : `<p>${dressed.join('')}</p>`;
}

/** 1 for the start tag of one of the elements, -1 for its end tag, else 0. */
function nesting(tag: string | undefined, names: ReadonlySet<string>): number {
  const [, slash, name] = /^<(\/?)([a-z]+)/.exec(tag ?? '') ?? [];
  if (!name || !names.has(name)) return 0;
  return slash ? -1 : 1;
}

/** Plain text as HTML, its URLs as links. */
function linkUrls(text: string): string {
  let html = '';
  let end = 0;
  for (const found of findUrls(text)) {
    const href = parseHttpUrl(found.url)?.href;
    if (!href) continue;
    html += escapeHtml(text.slice(end, found.start));
    html += `<a href="${escapeHtml(href)}" rel="${linkRel}">${escapeHtml(found.url)}</a>`;
    end = found.end;
  }
  return html + escapeHtml(text.slice(end));
}

function withBreaks(html: string): string {
  return html.replace(/\n[^\S\n]*\n\s*/g, '</p><p>').replaceAll('\n', '<br>');
}
