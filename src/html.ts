// Reading of hostile pages in one pass with caps on length, depth, attributes and links: what a page links to, what it
// is called and what it says. Fetches nothing, renders nothing (sanitize.ts) and builds no tree.

import { Tokenizer } from 'htmlparser2';
import { cleanText, collapse, createTextSink, crop, findUrls, type TextSink } from './text.ts';
import { maxUrlLength, targetKey } from './url.ts';

/** Elements below this depth are read but not remembered as open, which keeps the pass linear (S13). */
export const maxDepth = 256;
/** The cap of a page in UTF-16 units: the 1 MB that the fetch may bring (S10). The rest is not read. */
export const maxPageChars = 1_048_576;
const maxAttributes = 64;
const maxLinks = 2000;
const maxTitleChars = 255;
const maxNameChars = 100;
const maxExcerptSide = 100;

/** A link of a page, resolved against its final URL and `<base>`; http and https only. */
export interface PageLink {
  url: string;
  /** What an `a` encloses, at most 255 characters; empty for other elements. */
  text: string;
  rel: string[];
  /** The link's text with at most 100 characters of its paragraph on each side, plain. */
  context: string;
}

/** What a page says of itself. Every text is decoded, collapsed and clean; none of it is escaped. */
export interface Page {
  /** `head > title`, at most 255 characters (P16). */
  title: string | null;
  lang: string | null;
  canonical: string | null;
  /** In the order of the page, at most 2000 (W7). */
  links: PageLink[];
  /** The main text, paragraphs divided by one newline: that of `article`, else of `main`, else of the body. */
  text: string;
  author: string | null;
  siteName: string | null;
  /** `<meta http-equiv="status" content="410 Gone">`: the page says that it was deleted. */
  status410: boolean;
}

/** Reads a page. `baseUrl` is its final URL, after redirects. Never throws on any markup, and takes linear time. */
export function readPage(html: string, baseUrl: string): Page {
  const reading = startReading();
  walkHtml<Zone>(html, {
    root: rootZone,
    open: (name, attributes, zone) => openElement(reading, name, attributes, zone),
    end(name) {
      if (name === 'a') endLink(reading);
      if (blockTags.has(name)) breakText(reading);
    },
    text: (text, zone) => readText(reading, text, zone),
  });
  endLink(reading);
  const base = resolve(reading.base, baseUrl) ?? baseUrl;
  const all = reading.all.read();
  return {
    title: tidy(reading.title?.text, maxTitleChars),
    lang: reading.lang,
    canonical: resolve(reading.canonical, base),
    links: finishLinks(reading.links, all, base),
    text: reading.article.read() || reading.main.read() || reading.body.read() || all,
    author: tidy(reading.metaAuthor, maxNameChars) ?? firstName(reading.authors),
    siteName: tidy(reading.siteName, maxNameChars),
    status410: reading.status410,
  };
}

/**
 * The link of a page to `target` (W8): one that is equal after WHATWG serialisation, else (`exact: false`) one that
 * differs only in what a target's key leaves out, as fragment, scheme or trailing slash. Of several, one with text.
 */
export function findLink(page: Page, target: string): { link: PageLink; exact: boolean } | null {
  const wanted = parseUrl(target);
  if (!wanted) return null;
  const exact = withTextFirst(page.links.filter((link) => link.url === wanted.href));
  if (exact) return { link: exact, exact: true };
  const key = targetKey(wanted);
  const loose = withTextFirst(
    page.links.filter((link) => link.url.includes(wanted.host) && targetKey(new URL(link.url)) === key),
  );
  return loose ? { link: loose, exact: false } : null;
}

/**
 * What a page says around a link, as `[…] before text after […]` (P16); from the beginning of the page when nothing
 * stands near the link, and empty when the page holds no text. Plain text: escape it on output.
 */
export function excerptAround(page: Page, link: PageLink): string {
  const words = link.context || crop(collapse(page.text.slice(0, 4 * maxExcerptSide)), 2 * maxExcerptSide);
  return words === '' ? '' : `[…] ${words} […]`;
}

/**
 * Whether a source that is not HTML names the target (W7): JSON by a string value that equals it, at any depth; text by
 * an occurrence that is not part of a longer URL. Broken JSON names nothing.
 */
export function findLinkInText(body: string, contentType: 'json' | 'text', target: string): boolean {
  const wanted = parseUrl(target);
  if (!wanted) return false;
  const text = body.slice(0, maxPageChars);
  let toParse = maxLinks;
  const matches = (candidate: string) => {
    if (candidate === target || candidate === wanted.href) return true;
    if (candidate.length > maxUrlLength || !/^https?:/i.test(candidate) || toParse-- <= 0) return false;
    return parseUrl(candidate)?.href === wanted.href;
  };
  if (contentType === 'json') return hasStringValue(text, matches);
  return findUrls(text).some(({ url }) => {
    // A URL may be followed by words of a script without spaces.
    const ascii = /^[!-~]+/.exec(url)?.[0] ?? url;
    return matches(url) || (ascii !== url && matches(ascii));
  });
}

/** What `walkHtml` calls. A zone is whatever the visitor wants to know about the place where something stands. */
export interface Visitor<Z> {
  root: Z;
  /** An element begins; gives the zone of its contents. Names are lower case. */
  open(name: string, attributes: ReadonlyMap<string, string>, zone: Z): Z;
  /** An end tag, whether or not it ends anything. */
  end(name: string): void;
  /** Decoded text; one run of text may come in several pieces. */
  text(text: string, zone: Z): void;
}

/**
 * Walks HTML in linear time whatever it holds: at most `maxPageChars`, `maxDepth` open elements, 64 attributes each.
 * On the tokenizer alone, since htmlparser2's own parser takes quadratic time on open elements. Comments are left out.
 */
export function walkHtml<Z>(html: string, visitor: Visitor<Z>): void {
  const source = html.slice(0, maxPageChars);
  const isXml = /^\s*<\?xml\s/.test(source.slice(0, 100));
  const open = openElements(visitor.root);
  const text = joinedText(source, (joined) => visitor.text(joined, open.zone()));
  const attributes = attributeReader(source);
  let name = '';
  const endOpenTag = (isSelfClosing: boolean) => {
    text.flush();
    // A title is a block of ours, but in an SVG it is the SVG's.
    if (blockTags.has(name) && name !== 'title') open.leaveForeign();
    const zone = visitor.open(name, attributes.take(), open.zone());
    const isForeign = open.isForeign() || foreignTags.has(name);
    if (isSelfClosing && (isForeign || isXml)) visitor.end(name);
    else if (!voidTags.has(name)) open.push(name, zone);
  };
  const tokenizer = new Tokenizer(
    { recognizeSelfClosing: isXml },
    {
      ...attributes.callbacks,
      onopentagname(start, end) {
        name = source.slice(start, end).toLowerCase();
      },
      onopentagend: () => endOpenTag(false),
      onselfclosingtag: () => endOpenTag(true),
      onclosetag(start, end) {
        const closed = source.slice(start, end).toLowerCase();
        text.flush();
        visitor.end(closed);
        open.close(closed);
      },
      ontext: text.add,
      ontextentity(codePoint) {
        text.flush();
        visitor.text(String.fromCodePoint(codePoint), open.zone());
      },
      oncdata(start, end, offset) {
        if (open.isForeign() || isXml) text.add(start, end - offset);
      },
      isInForeignContext: () => open.isForeign(),
      oncomment() {},
      ondeclaration() {},
      onprocessinginstruction() {},
      onend: text.flush,
    },
  );
  tokenizer.write(source);
  tokenizer.end();
}

/** Elements that begin and end a paragraph. */
export const blockTags: ReadonlySet<string> = new Set(
  (
    'address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure ' +
    'footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main menu nav ol p pre section summary table tbody ' +
    'td tfoot th thead title tr ul'
  ).split(' '),
);

/** Elements whose text nobody reads on the page. */
export const silentTags: ReadonlySet<string> = new Set(
  'audio canvas iframe noembed noframes noscript object option script select style svg template textarea title video'.split(
    ' ',
  ),
);

const voidTags = new Set(
  'area base basefont br col embed frame hr img input keygen link meta param source track wbr'.split(' '),
);
const rawTextTags = new Set('iframe noembed noframes plaintext script style textarea title xmp'.split(' '));
const foreignTags = new Set(['svg', 'math']);

/** Joins pieces of text that follow each other: the tokenizer gives a text with many `<` in as many pieces. */
function joinedText(source: string, emit: (text: string) => void) {
  let from = 0;
  let to = 0;
  const flush = () => {
    if (to > from) emit(source.slice(from, to));
    from = to;
  };
  return {
    flush,
    add(start: number, end: number) {
      if (start !== to) {
        flush();
        from = start;
      }
      to = end;
    },
  };
}

/** Gathers the attributes of one start tag: the first of a name, and no more than `maxAttributes`. */
function attributeReader(source: string) {
  let attributes = new Map<string, string>();
  let count = 0;
  let name = '';
  let value = '';
  return {
    take() {
      const taken = attributes;
      attributes = new Map();
      count = 0;
      return taken;
    },
    callbacks: {
      onattribname(start: number, end: number) {
        name = count++ < maxAttributes ? source.slice(start, end).toLowerCase() : '';
        value = '';
      },
      onattribdata(start: number, end: number) {
        if (name) value += source.slice(start, end);
      },
      onattribentity(codePoint: number) {
        if (name) value += String.fromCodePoint(codePoint);
      },
      onattribend() {
        if (name && !attributes.has(name)) attributes.set(name, value);
      },
    },
  };
}

/** The elements that are open, at most `maxDepth` of them. */
function openElements<Z>(root: Z) {
  const stack: { name: string; zone: Z; isForeign: boolean }[] = [];
  const counts = new Map<string, number>();
  const isForeign = () => stack.at(-1)?.isForeign ?? false;
  const pop = () => {
    const top = stack.pop();
    if (top) counts.set(top.name, (counts.get(top.name) ?? 1) - 1);
    return top;
  };
  return {
    isForeign,
    zone: () => stack.at(-1)?.zone ?? root,
    push(name: string, zone: Z) {
      // Raw text holds no elements, so one more does no harm; without it a script too deep would count as text.
      const isRawText = rawTextTags.has(name) && !isForeign();
      if (stack.length > maxDepth || (stack.length === maxDepth && !isRawText)) return;
      stack.push({ name, zone, isForeign: foreignTags.has(name) || (isForeign() && name !== 'foreignobject') });
      counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    close(name: string) {
      // The count spares a search of the stack for every end tag that ends nothing.
      if (!counts.get(name)) return;
      while (pop()?.name !== name);
    },
    /** A block ends an SVG that was left open (HTML, "any other start tag in foreign content"). */
    leaveForeign() {
      while (isForeign()) pop();
    },
  };
}

/** Where something stands in a page. */
interface Zone {
  isSilent: boolean;
  /** In a template: neither text nor links count. */
  isInert: boolean;
  isForeign: boolean;
  isChrome: boolean;
  inHead: boolean;
  inArticle: boolean;
  inMain: boolean;
  /** In somebody else's comment on the page, as marked up by microformats. */
  inQuote: boolean;
  /** Takes a copy of the text: the title's or an author's. */
  capture: Capture | null;
}

interface Capture {
  text: string;
}

const rootZone: Zone = {
  isSilent: false,
  isInert: false,
  isForeign: false,
  isChrome: false,
  inHead: false,
  inArticle: false,
  inMain: false,
  inQuote: false,
  capture: null,
};

interface RawLink {
  href: string;
  rel: string[];
  start: number;
  end: number;
}

interface Reading {
  all: TextSink;
  article: TextSink;
  main: TextSink;
  body: TextSink;
  links: RawLink[];
  openLink: RawLink | null;
  hasBody: boolean;
  title: Capture | null;
  authors: Capture[];
  base: string | null;
  lang: string | null;
  canonical: string | null;
  metaAuthor: string | null;
  siteName: string | null;
  status410: boolean;
}

function startReading(): Reading {
  return {
    all: createTextSink(),
    article: createTextSink(),
    main: createTextSink(),
    body: createTextSink(),
    links: [],
    openLink: null,
    hasBody: false,
    title: null,
    authors: [],
    base: null,
    lang: null,
    canonical: null,
    metaAuthor: null,
    siteName: null,
    status410: false,
  };
}

type Attributes = ReadonlyMap<string, string>;

function openElement(reading: Reading, name: string, attributes: Attributes, zone: Zone): Zone {
  if (blockTags.has(name)) breakText(reading);
  else if (name === 'br') readText(reading, ' ', zone);
  if (zone.isInert) return zone;
  if (name === 'body') reading.hasBody = true;
  readMetadata(reading, name, attributes);
  const rel = words(attributes.get('rel'));
  readLinks(reading, name, attributes, rel);
  const inner = innerZone(name, attributes, zone);
  const isTitle = name === 'title' && !zone.isForeign && (zone.inHead || !reading.hasBody);
  if (isTitle && !reading.title) return { ...inner, capture: startTitle(reading) };
  const isAuthor = words(attributes.get('class')).includes('p-author') || (name === 'a' && rel.includes('author'));
  if (!isAuthor || inner.inQuote || reading.authors.length >= 8) return inner;
  const author = { text: '' };
  reading.authors.push(author);
  return { ...inner, capture: author };
}

function startTitle(reading: Reading): Capture {
  reading.title = { text: '' };
  return reading.title;
}

/** The zone of an element's contents; the same object where nothing changes. */
function innerZone(name: string, attributes: Attributes, zone: Zone): Zone {
  if (name === 'body') return { ...rootZone };
  const isBanner = (name === 'header' || name === 'footer') && !zone.inArticle && !zone.inMain;
  const changes: Partial<Zone> = {};
  if (silentTags.has(name)) changes.isSilent = true;
  if (name === 'template') changes.isInert = true;
  if (foreignTags.has(name)) changes.isForeign = true;
  if (name === 'nav' || name === 'form' || isBanner) changes.isChrome = true;
  if (name === 'head') changes.inHead = true;
  if (name === 'article') changes.inArticle = true;
  if (name === 'main') changes.inMain = true;
  if (/(?:^|\s)(?:u-comment|h-cite)(?:\s|$)/.test(attributes.get('class') ?? '')) changes.inQuote = true;
  return Object.keys(changes).length > 0 ? { ...zone, ...changes } : zone;
}

function readMetadata(reading: Reading, name: string, attributes: Attributes): void {
  if (name === 'html') {
    const lang = attributes.get('lang')?.trim() ?? '';
    if (/^[A-Za-z0-9-]{1,35}$/.test(lang)) reading.lang ??= lang;
  } else if (name === 'base') {
    const href = attributes.get('href')?.trim();
    if (href && href.length <= maxUrlLength) reading.base ??= href;
  } else if (name === 'meta') {
    const content = attributes.get('content') ?? '';
    const key = (attributes.get('name') ?? attributes.get('property') ?? '').toLowerCase();
    if (key === 'author') reading.metaAuthor ??= content;
    if (key === 'og:site_name') reading.siteName ??= content;
    if (attributes.get('http-equiv')?.toLowerCase() === 'status' && /^\s*410\b/.test(content)) reading.status410 = true;
  }
}

/** The attributes that link, by element (W7). */
const linkAttributes: Record<string, string[]> = {
  a: ['href'],
  area: ['href'],
  audio: ['src'],
  blockquote: ['cite'],
  del: ['cite'],
  embed: ['src'],
  iframe: ['src'],
  image: ['src'],
  img: ['src', 'srcset'],
  ins: ['cite'],
  link: ['href'],
  object: ['data'],
  q: ['cite'],
  source: ['src', 'srcset'],
  video: ['src'],
};

function readLinks(reading: Reading, name: string, attributes: Attributes, rel: string[]): void {
  // An `a` ends the one before it, closed or not.
  if (name === 'a') endLink(reading);
  for (const href of hrefs(name, attributes)) {
    if (reading.links.length >= maxLinks) return;
    const start = reading.all.length();
    const link = { href, rel, start, end: start };
    reading.links.push(link);
    if (name === 'a') reading.openLink = link;
    if (name === 'link' && rel.includes('canonical')) reading.canonical ??= href;
  }
}

function hrefs(name: string, attributes: Attributes): string[] {
  const names = Object.hasOwn(linkAttributes, name) ? linkAttributes[name] : undefined;
  if (!names || attributes.size === 0) return [];
  const found = names.flatMap((attribute) => {
    const value = attributes.get(attribute)?.trim() ?? '';
    return attribute === 'srcset' ? srcsetUrls(value) : [value];
  });
  return found.filter(isWorthKeeping);
}

/** Whether a link can lead to another page over http; what cannot must not use up the cap. */
function isWorthKeeping(href: string): boolean {
  if (href === '' || href.startsWith('#') || href.length > maxUrlLength) return false;
  return /^https?:/i.test(href) || !/^[a-z][a-z0-9+.-]*:/i.test(href);
}

/** The URLs of a `srcset`: a URL ends at white space, its descriptors at a comma. */
function srcsetUrls(srcset: string): string[] {
  const urls: string[] = [];
  let inDescriptor = false;
  for (const token of srcset.split(/\s+/, maxLinks)) {
    const comma = token.indexOf(',');
    if (token.length > maxUrlLength || (inDescriptor && comma === -1)) continue;
    const url: string = inDescriptor ? token.slice(comma + 1) : token;
    inDescriptor = url !== '' && !url.endsWith(',');
    urls.push(withoutCommas(url));
  }
  return urls;
}

function withoutCommas(url: string): string {
  let start = 0;
  let end = url.length;
  while (url[start] === ',') start++;
  while (end > start && url[end - 1] === ',') end--;
  return url.slice(start, end);
}

function endLink(reading: Reading): void {
  if (reading.openLink) reading.openLink.end = reading.all.length();
  reading.openLink = null;
}

function readText(reading: Reading, raw: string, zone: Zone): void {
  const text = cleanText(raw);
  if (zone.capture) zone.capture.text += text;
  if (zone.isSilent || zone.isInert) return;
  reading.all.add(text);
  if (zone.isChrome) return;
  reading.body.add(text);
  if (zone.inArticle) reading.article.add(text);
  if (zone.inMain) reading.main.add(text);
}

function breakText(reading: Reading): void {
  for (const sink of [reading.all, reading.body, reading.article, reading.main]) sink.break();
}

function finishLinks(links: readonly RawLink[], all: string, base: string): PageLink[] {
  return links.flatMap((link) => {
    const url = resolve(link.href, base);
    if (!url) return [];
    const raw = all.slice(link.start, link.end);
    const lead = /^\s*/.exec(raw)?.[0] ?? '';
    const text = collapse(raw.slice(0, 4 * maxTitleChars));
    const before = lead.includes('\n') ? '' : wordsBefore(all, link.start) + lead;
    const context = collapse(before + crop(text, maxExcerptSide) + wordsAfter(all, link.end));
    return [{ url, text: crop(text, maxTitleChars), rel: link.rel, context }];
  });
}

/** At most 100 characters that end at `end`, of one paragraph, from the beginning of a word. */
function wordsBefore(all: string, end: number): string {
  const window = all.slice(Math.max(0, end - maxExcerptSide - 1), end);
  const paragraph = window.slice(window.lastIndexOf('\n') + 1);
  if (paragraph.length <= maxExcerptSide) return paragraph;
  const space = paragraph.indexOf(' ');
  // Text without spaces, as Japanese, is cut where it stands.
  const cut = space !== -1 && space <= maxExcerptSide / 2 ? space + 1 : 1;
  return paragraph.slice(cut).replace(/^[\udc00-\udfff]/, '');
}

function wordsAfter(all: string, start: number): string {
  const paragraph = all.slice(start, start + maxExcerptSide + 1).split('\n', 1)[0] ?? '';
  if (paragraph.length <= maxExcerptSide) return paragraph;
  const space = paragraph.lastIndexOf(' ');
  const cut = space >= maxExcerptSide / 2 ? space : maxExcerptSide;
  return paragraph.slice(0, cut).replace(/[\ud800-\udbff]$/, '');
}

function withTextFirst(links: readonly PageLink[]): PageLink | undefined {
  return links.find((link) => link.text !== '') ?? links[0];
}

/** The first author who looks like a name: a byline with a biography in it does not. */
function firstName(authors: readonly Capture[]): string | null {
  for (const { text } of authors) {
    const name = collapse(text);
    if (name !== '' && name.length <= maxNameChars) return name;
  }
  return null;
}

function tidy(text: string | null | undefined, maxChars: number): string | null {
  return crop(collapse(cleanText(text ?? '')), maxChars) || null;
}

/** The words of an attribute that is a set of them, as `rel` and `class`. */
function words(text: string | undefined): string[] {
  return text ? text.trim().toLowerCase().split(/\s+/, 16) : [];
}

function resolve(href: string | null, base: string): string | null {
  return href === null ? null : (parseUrl(href, base)?.href ?? null);
}

function parseUrl(href: string, base?: string): URL | null {
  try {
    const url = new URL(href, base);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
  } catch {
    return null;
  }
}

/** Whether some string value of a JSON text matches. Without recursion: the nesting is the sender's. */
function hasStringValue(json: string, matches: (value: string) => boolean): boolean {
  let root: unknown;
  try {
    root = JSON.parse(json);
  } catch {
    return false;
  }
  const waiting = [root];
  while (waiting.length > 0) {
    const parent = waiting.pop();
    if (typeof parent !== 'object' || parent === null) continue;
    for (const value of Object.values(parent)) {
      if (typeof value === 'string' && matches(value)) return true;
      if (typeof value === 'object') waiting.push(value);
    }
  }
  return false;
}
