// Finds the link from a source to a target, and the words around it. Pure; fetching and judging are not its business.
import { maxExcerptSide, type Page, type PageLink } from './html.ts';
import { maxPageChars } from './html-walk.ts';
import { maxLinks } from './link-attributes.ts';
import { collapse, crop, findUrls } from './text.ts';
import { maxUrlLength, parseUrl, targetKey } from './url.ts';

/**
 * The link of a page to `target` (W8): one that is equal after WHATWG serialisation, else (`exact: false`) one that
 * differs only in what a target's key leaves out, as fragment, scheme or trailing slash. Of several, one that is seen, with text.
 */
export function findLink(page: Page, target: string): { link: PageLink; exact: boolean } | null {
  const wanted = parseUrl(target);
  if (!wanted) return null;
  const exact = bestOf(page.links.filter((link) => link.url === wanted.href));
  if (exact) return { link: exact, exact: true };
  const key = targetKey(wanted);
  const loose = bestOf(
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

function bestOf(links: readonly PageLink[]): PageLink | undefined {
  const seen = links.filter((link) => link.part !== 'hidden');
  const candidates = seen.length > 0 ? seen : links;
  return candidates.find((link) => link.text !== '') ?? candidates[0];
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
