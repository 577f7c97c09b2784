// What a URL is to Backtalk: which are accepted, when two name the same target, and which lie under a site's base.
// Pure; whether an address may be fetched is the business of safe-fetch.

/** Longer URLs are refused: with its site's id a key of this length still fits a database index entry. */
export const maxUrlLength = 2_000;

/** The URLs that are accepted, in words that follow "must be" or "is not". */
export const acceptedUrls = `an http or https URL of at most ${maxUrlLength} characters, without user and password`;

/**
 * A URL of at most `maxUrlLength`, before and after serialisation, resolved against `base` if there is one; null for what
 * is none. Not by URL.canParse: once called often, that of Node 20.20 refuses URLs with a letter such as é.
 */
export function parseUrl(text: string, base?: string | URL): URL | null {
  if (text.length > maxUrlLength) return null;
  try {
    const url = new URL(text, base);
    return url.href.length > maxUrlLength ? null : url;
  } catch {
    return null;
  }
}

/** Parses an http or https URL without credentials, at most `maxUrlLength` long once serialised; null for all else. */
export function parseHttpUrl(text: string): URL | null {
  // The scheme first: an exception for each of a page's thousands of bad links would take half a second.
  const url = /^\s*https?:/i.test(text) ? parseUrl(text.trim()) : null;
  return url === null || url.username !== '' || url.password !== '' || url.hostname === '' ? null : url;
}

/**
 * Parses a URL that a pingback or webmention client may have escaped once too often: `&amp;` stands for `&`
 * (WordPress decodes it in both parameters).
 */
export function parsePingUrl(text: string): URL | null {
  return parseHttpUrl(text.replaceAll('&amp;', '&'));
}

/**
 * The key under which a target is stored and looked up: the WHATWG form less scheme, fragment, trailing slash and
 * WordPress's `replytocom` parameter. Two URLs of one post that differ only in these have the same key.
 */
export function targetKey(url: URL): string {
  const query = url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !/^replytocom(=|$)/.test(pair))
    .join('&');
  return url.host + url.pathname.replace(/\/+$/, '') + (query === '' ? '' : `?${query}`);
}

/** The key of a linking page: its WHATWG form without the fragment, which names a place on the same page. */
export function sourceKey(url: URL): string {
  const page = new URL(url);
  page.hash = '';
  return page.href;
}

/**
 * A site's base in the form that `isUnder` compares: host, port unless it is the scheme's default, path without trailing slash.
 * The base's query and fragment say nothing and are dropped.
 */
export function baseKey(url: URL): string {
  return url.host + url.pathname.replace(/\/+$/, '');
}

/** Whether a target lies under a base: same host and port, and the base's path a prefix of it by whole segments. */
export function isUnder(base: string, target: URL): boolean {
  const place = target.host + target.pathname;
  return place === base || place.startsWith(`${base}/`);
}
