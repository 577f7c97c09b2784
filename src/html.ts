// Reading of hostile pages in one pass with caps on length, depth, attributes and links: what a page links to, what it
// is called and what it says. Fetches nothing, renders nothing (sanitize.ts) and builds no tree.

import { blockTags, foreignTags, silentTags, walkHtml, wordsOf } from './html-walk.ts';
import { hrefsOf, maxLinks } from './link-attributes.ts';
import { createMainText, type MainText, type Part, type Place, pagePlace, placeWithin } from './main-text.ts';
import { publishedTime } from './published-time.ts';
import { cleanText, collapse, createTextSink, crop, type TextSink } from './text.ts';
import { maxUrlLength, parseUrl } from './url.ts';

const maxTitleChars = 255;
const maxNameChars = 100;
/** Characters of an excerpt on each side of its link (P16). */
export const maxExcerptSide = 100;

/** A link of a page, resolved against its final URL and `<base>`; http and https only. */
export interface PageLink {
  url: string;
  /** What an `a` encloses, at most 255 characters; empty for other elements. */
  text: string;
  rel: string[];
  /** The part of the page that it stands in. */
  part: Part;
  /** The link's text with at most 100 characters of its paragraph on each side, plain. */
  context: string;
}

/** What a page says of itself. Every text is decoded, collapsed and clean; none of it is escaped. */
export interface Page {
  /** `head > title`, at most 255 characters (P16). */
  title: string | null;
  /** What the page says its own text is called, without the name of the site: `og:title`, else the `h1` of its main text. */
  headline: string | null;
  /** When the page says that it was published; whatever it says, also the impossible. */
  publishedAt: Date | null;
  lang: string | null;
  canonical: string | null;
  /** In the order of the page, at most 2000 (W7). */
  links: PageLink[];
  /** The main text, paragraphs divided by one newline; see `createMainText`. */
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
    headline: tidy(reading.metaTitle, maxTitleChars) ?? tidy(reading.heading?.text, maxTitleChars),
    publishedAt: reading.metaPublishedAt ?? reading.publishedAt,
    lang: reading.lang,
    canonical: resolve(reading.canonical, base),
    links: finishLinks(reading.links, all, base),
    text: reading.mainText.read(),
    author: tidy(reading.metaAuthor, maxNameChars) ?? firstName(reading.authors),
    siteName: tidy(reading.siteName, maxNameChars),
    status410: reading.status410,
  };
}

/** Where something stands in a page. */
interface Zone {
  isSilent: boolean;
  /** In a template: neither text nor links count. */
  isInert: boolean;
  isForeign: boolean;
  inHead: boolean;
  place: Place;
  /** In somebody else's comment on the page, as marked up by microformats. */
  inQuote: boolean;
  /** Takes a copy of the text: the title's, the heading's or an author's. */
  capture: Capture | null;
}

interface Capture {
  text: string;
}

const rootZone: Zone = {
  isSilent: false,
  isInert: false,
  isForeign: false,
  inHead: false,
  place: pagePlace,
  inQuote: false,
  capture: null,
};

interface RawLink {
  href: string;
  rel: string[];
  part: Part;
  start: number;
  end: number;
}

interface Reading {
  all: TextSink;
  mainText: MainText;
  links: RawLink[];
  openLink: RawLink | null;
  hasBody: boolean;
  title: Capture | null;
  heading: Capture | null;
  authors: Capture[];
  base: string | null;
  lang: string | null;
  canonical: string | null;
  metaAuthor: string | null;
  metaTitle: string | null;
  metaPublishedAt: Date | null;
  publishedAt: Date | null;
  siteName: string | null;
  status410: boolean;
}

function startReading(): Reading {
  return {
    all: createTextSink(),
    mainText: createMainText(),
    links: [],
    openLink: null,
    hasBody: false,
    title: null,
    heading: null,
    authors: [],
    base: null,
    lang: null,
    canonical: null,
    metaAuthor: null,
    metaTitle: null,
    metaPublishedAt: null,
    publishedAt: null,
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
  const inner = innerZone(name, attributes, zone);
  readMetadata(reading, name, attributes, inner.place.part);
  const rel = wordsOf(attributes.get('rel'));
  readLinks(reading, name, attributes, { rel, part: inner.place.part });
  const capture = startCapture(reading, name, attributes, { rel, zone, inner });
  return capture === null ? inner : { ...inner, capture };
}

/** Whether an element's text is to be kept apart, as a title, heading or author of the page. */
function startCapture(
  reading: Reading,
  name: string,
  attributes: Attributes,
  { rel, zone, inner }: { rel: string[]; zone: Zone; inner: Zone },
): Capture | null {
  const capture = { text: '' };
  if (name === 'title' && !zone.isForeign && (zone.inHead || !reading.hasBody) && !reading.title) {
    reading.title = capture;
  } else if (name === 'h1' && inner.place.part === 'main' && inner.place.ranges.length > 0 && !reading.heading) {
    reading.heading = capture;
  } else {
    const isAuthor = wordsOf(attributes.get('class')).includes('p-author') || (name === 'a' && rel.includes('author'));
    if (!isAuthor || inner.inQuote || reading.authors.length >= 8) return null;
    reading.authors.push(capture);
  }
  return capture;
}

/** The zone of an element's contents; the same object where nothing changes. */
function innerZone(name: string, attributes: Attributes, zone: Zone): Zone {
  if (name === 'body') return { ...rootZone };
  const place = placeWithin(name, attributes, zone.place);
  const changes: Partial<Zone> = {};
  if (silentTags.has(name)) changes.isSilent = true;
  if (name === 'template') changes.isInert = true;
  if (foreignTags.has(name)) changes.isForeign = true;
  if (place !== zone.place) changes.place = place;
  if (name === 'head') changes.inHead = true;
  if (/(?:^|\s)(?:u-comment|h-cite)(?:\s|$)/.test(attributes.get('class') ?? '')) changes.inQuote = true;
  return Object.keys(changes).length > 0 ? { ...zone, ...changes } : zone;
}

function readMetadata(reading: Reading, name: string, attributes: Attributes, part: Part): void {
  // The times of what others have said below a post are not its own.
  if (part !== 'comment' && part !== 'hidden') {
    const time = publishedTime(name, attributes);
    if (name === 'meta') reading.metaPublishedAt ??= time;
    else reading.publishedAt ??= time;
  }
  if (name === 'html') {
    const lang = attributes.get('lang')?.trim() ?? '';
    if (/^[A-Za-z0-9-]{1,35}$/.test(lang)) reading.lang ??= lang;
  } else if (name === 'base') {
    const href = attributes.get('href')?.trim();
    if (href && href.length <= maxUrlLength) reading.base ??= href;
  } else if (name === 'meta') readMeta(reading, attributes);
}

function readMeta(reading: Reading, attributes: Attributes): void {
  const content = attributes.get('content') ?? '';
  const key = (attributes.get('name') ?? attributes.get('property') ?? '').toLowerCase();
  if (key === 'author') reading.metaAuthor ??= content;
  if (key === 'og:title') reading.metaTitle ??= content;
  if (key === 'og:site_name') reading.siteName ??= content;
  if (attributes.get('http-equiv')?.toLowerCase() === 'status' && /^\s*410\b/.test(content)) reading.status410 = true;
}

function readLinks(
  reading: Reading,
  name: string,
  attributes: Attributes,
  { rel, part }: Pick<RawLink, 'rel' | 'part'>,
): void {
  // An `a` ends the one before it, closed or not.
  if (name === 'a') endLink(reading);
  for (const href of hrefsOf(name, attributes)) {
    if (reading.links.length >= maxLinks) return;
    const start = reading.all.length();
    const link = { href, rel, part, start, end: start };
    reading.links.push(link);
    if (name === 'a') reading.openLink = link;
    if (name === 'link' && rel.includes('canonical')) reading.canonical ??= href;
  }
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
  reading.mainText.add(text, zone.place);
}

function breakText(reading: Reading): void {
  reading.all.break();
  reading.mainText.break();
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
    return [{ url, text: crop(text, maxTitleChars), rel: link.rel, part: link.part, context }];
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

function resolve(href: string | null, base: string): string | null {
  const url = href === null ? null : parseUrl(href, base);
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : null;
}
