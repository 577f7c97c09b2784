// Reads when a page says it was published, from one element: Open Graph, microformats (also the old hAtom) or microdata.
// Does not ask whether the time is possible, and reads no JSON-LD.
import { wordsOf } from './html-walk.ts';

/**
 * The time that an element gives as that of publication; null if it gives none. Takes ISO 8601 with or without a time of day; without a
 * zone it is taken for UTC.
 */
export function publishedTime(name: string, attributes: ReadonlyMap<string, string>): Date | null {
  if (attributes.size === 0) return null;
  const isPublication =
    attributes.get('property')?.toLowerCase() === 'article:published_time' ||
    attributes.get('name')?.toLowerCase() === 'article:published_time' ||
    wordsOf(attributes.get('itemprop')).includes('datepublished') ||
    wordsOf(attributes.get('class')).some((word) => word === 'dt-published' || word === 'published');
  if (!isPublication) return null;
  const value = name === 'meta' ? attributes.get('content') : (attributes.get('datetime') ?? attributes.get('content'));
  return readTime(value ?? (name === 'abbr' ? attributes.get('title') : undefined));
}

const isoTime = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)? ?(?:(Z)|([+-]\d\d):?(\d\d))?)?$/i;

function readTime(text: string | undefined): Date | null {
  const [, day, time = '00:00', , hours = '+00', minutes = '00'] = isoTime.exec(text?.trim().slice(0, 40) ?? '') ?? [];
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${hours}:${minutes}`);
  return Number.isNaN(ms) ? null : new Date(ms);
}
