// Which attributes of which elements are links (W7), and the URLs in them. Resolves nothing.
import { maxUrlLength } from './url.ts';

/** Links of a page that are kept. */
export const maxLinks = 2000;

/** What an element links to, as written: not yet resolved, and only what can lead to another page over http. */
export function hrefsOf(name: string, attributes: ReadonlyMap<string, string>): string[] {
  const names = Object.hasOwn(linkAttributes, name) ? linkAttributes[name] : undefined;
  if (!names || attributes.size === 0) return [];
  const found = names.flatMap((attribute) => {
    const value = attributes.get(attribute)?.trim() ?? '';
    return attribute === 'srcset' ? srcsetUrls(value) : [value];
  });
  return found.filter(isWorthKeeping);
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
