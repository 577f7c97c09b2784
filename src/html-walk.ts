// A linear-time walk over hostile HTML, on htmlparser2's tokenizer alone: elements, attributes and text, under caps. What
// they mean is the visitor's business.
import { Tokenizer } from 'htmlparser2';

/** Elements below this depth are read but not remembered as open, which keeps the pass linear (S13). */
export const maxDepth = 256;
/** The cap of a page in UTF-16 units: the 1 MB that the fetch may bring (S10). The rest is not read. */
export const maxPageChars = 1_048_576;
const maxAttributes = 64;

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

/** The words of an attribute that is a set of them, as `rel` and `class`, in lower case; at most 16. */
export function wordsOf(attribute: string | undefined): string[] {
  return attribute ? attribute.trim().toLowerCase().split(/\s+/, 16) : [];
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
/** Elements that begin markup of another language. */
export const foreignTags: ReadonlySet<string> = new Set(['svg', 'math']);

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
