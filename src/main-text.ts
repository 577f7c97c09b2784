// Tells the text that a page is about from what stands around and below it, by the names that blog engines give their
// elements. Sees one element at a time and keeps ranges of one text, so that the pass stays linear; it weighs no sentences.
import { wordsOf } from './html-walk.ts';
import { createTextSink } from './text.ts';

/**
 * `main`: may belong to the text; `form`: within a form, which some engines put around the whole page; `frame`: navigation,
 * sidebars and the like; `comment`: said by others below the text; `hidden`: nobody sees it.
 */
export type Part = 'main' | 'form' | 'frame' | 'comment' | 'hidden';

/** Where something stands in a page. */
export interface Place {
  readonly part: Part;
  /** The elements around it that may hold the text: at most one of each rank, the outermost. */
  readonly ranges: readonly Range[];
}

/** What an element holds of the page's text: from and to, in UTF-16 units. */
interface Range {
  readonly rank: Rank;
  start: number;
  end: number;
}

/** How sure it is that an element holds the text: 0 is surest. */
type Rank = 0 | 1 | 2;
const ranks: readonly Rank[] = [0, 1, 2];

type Attributes = ReadonlyMap<string, string>;

/** The place of what stands in the body itself. */
export const pagePlace: Place = { part: 'main', ranges: [] };

/** The place of an element's contents; the same object where nothing changes. */
export function placeWithin(name: string, attributes: Attributes, place: Place): Place {
  // Scripts may hide a whole page until they have run, and themes write everything into the classes of the body.
  if (name === 'html' || name === 'body' || place.part === 'hidden') return place;
  if (isHidden(attributes)) return { ...place, part: 'hidden' };
  if (place.part === 'comment') return place;
  const names = [...wordsOf(attributes.get('class')), ...wordsOf(attributes.get('id'))];
  const rank = rankOf(name, attributes, names);
  const isContent = rank === 0;
  if (isReplyArticle(name, place) || (!isContent && isComments(name, attributes, names)))
    return { ...place, part: 'comment' };
  if (place.part === 'frame') return place;
  if (!isContent && isFrame(name, attributes, names, place)) return { ...place, part: 'frame' };
  if (rank !== null && !place.ranges.some((range) => range.rank === rank))
    return { part: 'main', ranges: [...place.ranges, { rank, start: 0, end: 0 }] };
  return name === 'form' && place.part === 'main' ? { ...place, part: 'form' } : place;
}

/** Gathers the text of a page with the place of each piece. */
export interface MainText {
  add(text: string, place: Place): void;
  /** Ends a paragraph. */
  break(): void;
  /**
   * The main text, paragraphs divided by one newline: the longest element marked as the content of a post, else the longest
   * `article`, else `main`, else the body; if all of that is empty, what frames it. Never a comment.
   */
  read(): string;
}

export function createMainText(): MainText {
  const main = createTextSink();
  const frame = createTextSink();
  const longest: (Range | undefined)[] = [];
  return {
    add(text, { part, ranges }) {
      if (part === 'form' || part === 'frame') frame.add(text);
      if (part !== 'main') return;
      const start = main.length();
      main.add(text);
      if (main.length() === start) return;
      for (const range of ranges) {
        if (range.end === 0) range.start = start;
        range.end = main.length();
        const best = longest[range.rank];
        if (best === undefined || lengthOf(range) > lengthOf(best)) longest[range.rank] = range;
      }
    },
    break() {
      main.break();
      frame.break();
    },
    read() {
      const text = main.read();
      const best = ranks.map((rank) => longest[rank]).find((range) => range !== undefined);
      if (best !== undefined) return text.slice(best.start, best.end).trim();
      return text || frame.read();
    },
  };
}

function lengthOf({ start, end }: Range): number {
  return end - start;
}

function isHidden(attributes: Attributes): boolean {
  return attributes.has('hidden') || /(?:^|;)\s*display\s*:\s*none/i.test(attributes.get('style') ?? '');
}

/** Microformats and microdata say it outright; the others are what WordPress, Blogger, Movable Type, Ghost, Jekyll and Hugo call it. */
const contentName = /^(?:e-content|(?:entry|post|article|asset|story|gh)[-_]*(?:content|body|text))$/;

function rankOf(name: string, attributes: Attributes, names: readonly string[]): Rank | null {
  if (wordsOf(attributes.get('itemprop')).includes('articlebody')) return 0;
  // A body of comments is not one of the article, whatever else it is called.
  if (names.some((word) => contentName.test(word)) && !names.some((word) => commentName.test(word))) return 0;
  if (name === 'article') return 1;
  return name === 'main' || attributes.get('role') === 'main' ? 2 : null;
}

/** HTML has comments as articles within the article, which come after its text. */
function isReplyArticle(name: string, { ranges }: Place): boolean {
  return name === 'article' && ranges.some((range) => range.rank === 1 && range.end > 0);
}

// Whole names only: themes also write the tags of a post into its classes, as `tag-comment-spam`.
const commentName =
  /^(?:(?:div|li|post|article|entry|blog|page|user|reader|single|js|gh|fb|wp-block)[-_]*){0,3}comments?(?:[-_]*(?:area|list|section|wrap|wrapper|thread|threads|container|body|content|form|template|block|box|inner|main|text|holder|respond|post|reply|\d{1,20}))?$/;
const otherCommentName =
  /^(?:respond|replies|responses|trackbacks?|pings|pinglist|pingbacks|webmentions?|disqus(?:[-_]*thread)?|giscus|utterances|isso[-_]*thread|remark42|u-comment|p-comment)$/;

function isComments(name: string, attributes: Attributes, names: readonly string[]): boolean {
  // A heading in the text is named for its words.
  if (name === 'main' || /^h[1-6]$/.test(name)) return false;
  return (
    names.some((word) => word.length <= 100 && (commentName.test(word) || otherCommentName.test(word))) ||
    wordsOf(attributes.get('itemprop')).includes('comment')
  );
}

const frameTags: ReadonlySet<string> = new Set(['nav', 'aside', 'footer']);
const frameRoles: ReadonlySet<string> = new Set(['navigation', 'banner', 'contentinfo', 'complementary', 'search']);
const frameName =
  /^(?:(?:site|page|blog|post|posts|entry|article|main|global|primary|secondary|left|right|top)[-_]*)?(?:side-?bar|widgets?|widget-?area|nav|navigation|nav-?bar|menu|breadcrumbs?|footer|masthead|related|related[-_]*posts|share|sharing|sharedaddy|social|pagination|meta|toc)$|^(?:(?:site|blog|global|top)[-_]*)?header$|^jp-relatedposts$/;

function isFrame(name: string, attributes: Attributes, names: readonly string[], { ranges }: Place): boolean {
  if (frameTags.has(name) || frameRoles.has(attributes.get('role') ?? '')) return true;
  // The header of an article begins it; that of a page is the same on every page.
  if (name === 'header') return ranges.length === 0;
  if (name === 'main' || name === 'article' || /^h[1-6]$/.test(name)) return false;
  return names.some((word) => word.length <= 100 && frameName.test(word));
}
