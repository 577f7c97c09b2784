// Reads what a fetch of a linking page brought: is the link there, and what does the page say about it. Pure; what
// follows from it for a submission is decided in verification.ts.
import { decodeHtml } from '../charset.ts';
import { excerptAround, findLink, findLinkInText } from '../find-link.ts';
import { type Page, readPage } from '../html.ts';
import type { FetchResult } from '../safe-fetch.ts';
import { cleanText } from '../text.ts';

/** What a linking page tells: enough to judge it by, and to show. */
export interface SourcePage {
  title: string | null;
  excerpt: string;
  author: string | null;
  /** What the page says in all. */
  text: string;
  /** The link differs from the target in scheme, fragment or trailing slash only. */
  loose: boolean;
  /** No reader of the page sees the link. */
  hidden: boolean;
  /** The page is a list of links to other hosts. */
  linkList: boolean;
}

export type Look =
  | { found: 'link'; page: SourcePage }
  | { found: 'no_link' }
  /** The page says that it was deleted: 410, in the status or in its head. */
  | { found: 'gone' }
  /** No page to look at; worth another try unless `final`. */
  | { found: 'unreachable'; final: boolean; detail: string };

/** Failures that another try will not mend: the URL itself is not acceptable. */
const finalFailures: ReadonlySet<string> = new Set([
  'bad_url',
  'forbidden_scheme',
  'forbidden_port',
  'forbidden_address',
  'own_host',
  'bad_redirect',
  'too_many_redirects',
]);

/** Looks for a link to `target` in what was fetched. The media type decides what counts as a link (Webmention 3.2.2). */
export function lookAt(fetched: FetchResult, target: string): Look {
  if (!fetched.ok)
    return {
      found: 'unreachable',
      final: finalFailures.has(fetched.reason),
      detail: `${fetched.reason}: ${fetched.detail}`,
    };
  if (fetched.status === 410) return { found: 'gone' };
  if (fetched.status < 200 || fetched.status > 299)
    return { found: 'unreachable', final: false, detail: `status ${fetched.status}` };
  const contentType = fetched.headers.contentType;
  const kind = mediaKind(contentType);
  if (kind === 'other') return { found: 'no_link' };
  const { text } = decodeHtml(fetched.body, contentType);
  if (kind !== 'html') {
    if (!findLinkInText(text, kind, target)) return { found: 'no_link' };
    const page = {
      title: new URL(fetched.url).host,
      excerpt: '',
      author: null,
      text: kind === 'text' ? cleanText(text) : '',
      loose: false,
      hidden: false,
      linkList: false,
    };
    return { found: 'link', page };
  }
  const page = readPage(text, fetched.url);
  if (page.status410) return { found: 'gone' };
  const found = findLink(page, target);
  if (found === null) return { found: 'no_link' };
  const title = page.title ?? new URL(fetched.url).host;
  return {
    found: 'link',
    page: {
      title,
      excerpt: excerptAround(page, found.link),
      author: page.author ?? page.siteName,
      text: page.text,
      loose: !found.exact,
      hidden: found.link.part === 'hidden',
      linkList: isLinkList(page, new URL(fetched.url).host),
    },
  };
}

/** Links to other hosts, outside navigation and comments, from which on a page is a list of them. */
const linksOfList = 100;

function isLinkList(page: Page, host: string): boolean {
  const outward = page.links.filter(
    (link) => link.part === 'main' && link.text !== '' && new URL(link.url).host !== host,
  );
  return outward.length > linksOfList;
}

/** Whether two texts share so little that a moderator's word on the one says nothing about the other: under half of their words. */
export function changedMuch(before: string, after: string): boolean {
  const [old, fresh] = [wordsOf(before), wordsOf(after)];
  if (old.size + fresh.size === 0) return false;
  const shared = [...old].filter((word) => fresh.has(word)).length;
  return (2 * shared) / (old.size + fresh.size) < 0.5;
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
}

/** A page without a type is taken for HTML, as browsers do. */
function mediaKind(contentType: string | null | undefined): 'html' | 'json' | 'text' | 'other' {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === 'text/html' || type === 'application/xhtml+xml' || type === 'application/xml')
    return 'html';
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  return type === 'text/plain' ? 'text' : 'other';
}
