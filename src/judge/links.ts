// Finds links in the text of a submission, however they are written (address, HTML, BBCode, bare domain), and takes
// them apart. Text only: no address is checked or fetched.

/** A link: its host without `www.`, its path with the query, and whether it was written as markup. */
export interface Link {
  host: string;
  path: string;
}

/** What a text holds besides plain words. */
export interface LinkedText {
  /** The text without addresses and markup. */
  plain: string;
  links: Link[];
  /** Number of HTML tags, and of BBCode tags. */
  tags: number;
  bbcode: number;
  /** Number of e-mail addresses. */
  emails: number;
}

/** The first 100 links of `text`, and the text without them. */
export function findLinks(text: string): LinkedText {
  const found: LinkedText = { plain: text, links: [], tags: 0, bbcode: 0, emails: 0 };
  let plain = text;
  if (mayBeAddress.test(text)) {
    plain = plain.replace(email, () => {
      found.emails++;
      return ' ';
    });
    plain = plain.replace(address, (written) => {
      const link = found.links.length < LINKS_LIMIT ? parseLink(written) : null;
      if (link !== null) found.links.push(link);
      return ' ';
    });
  }
  if (plain.includes('<')) {
    plain = plain.replace(tag, () => {
      found.tags++;
      return ' ';
    });
  }
  if (plain.includes('[')) {
    plain = plain.replace(bbcodeTag, () => {
      found.bbcode++;
      return ' ';
    });
  }
  found.plain = plain;
  return found;
}

/** Takes an address apart; null if it has no host. Lower case, `www.` dropped, at most 300 characters of path. */
export function parseLink(written: string): Link | null {
  const match = parts.exec(written.slice(0, 2000).trim());
  const host = match?.[1]?.toLowerCase().replace(/^www\d?\./, '');
  if (host === undefined || host === '') return null;
  return { host, path: (match?.[2] ?? '').slice(0, 300).toLowerCase() };
}

/** The last two labels of a host, or three where the last but one is a short common one (`co.uk`). */
export function siteOf(host: string): string {
  const labels = host.split('.');
  const second = labels[labels.length - 2];
  const deep = second !== undefined && (labels[labels.length - 1] ?? '').length === 2 && secondLevel.has(second);
  return labels.slice(deep ? -3 : -2).join('.');
}

/** The last label of a host. */
export function topLevelOf(host: string): string {
  return host.slice(host.lastIndexOf('.') + 1);
}

/** The words of a path or host: runs of letters and digits of two characters or more, at most 12. */
export function addressWords(text: string): string[] {
  return (text.match(addressWord) ?? []).slice(0, 12);
}

const LINKS_LIMIT = 100;
const mayBeAddress = /[\p{L}\p{N}]\.[\p{L}\p{N}]|:\/\//u;
const email = /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/g;
const address =
  /(?:h(?:tt|xx)ps?:\/\/|www\.)[^\s<>"'\])}|]{2,2000}|(?<![\p{L}\p{N}.@-])(?:[\p{L}\p{N}-]{1,63}\.){1,4}(?:com|net|org|info|biz|ru|su|ua|by|kz|cn|de|uk|us|in|io|co|me|eu|fr|it|es|pl|nl|br|jp|tv|cc|ly|gl|be|gd|gg|ws|to|tk|ml|ga|cf|gq|xyz|top|club|online|site|shop|store|live|pro|vip|link|click|website|space|blog|app|dev|ai|edu|gov|рф)(?![\p{L}\p{N}-])(?:[/?#][^\s<>"'\])}|]{0,2000})?/giu;
const tag = /<\/?[a-z][^>]{0,500}>/gi;
const bbcodeTag = /\[\/?(?:url|link|b|i|img|u|quote|color|size)(?:=[^\]]{0,500})?\]/gi;
const parts = /^(?:[a-z]{2,10}:\/\/)?(?:[^/@?#\s]{0,100}@)?([^/?#\s:@<>"]{1,253})(?::\d{1,5})?([/?#].*)?$/is;
const secondLevel = new Set(['co', 'com', 'net', 'org', 'gov', 'ac', 'edu', 'or', 'ne']);
const addressWord = /[\p{L}\p{N}]{2,40}/gu;
