// Bytes to text: the declared charset, the byte order mark, the markup, or a guess. Knows nothing of HTML entities or
// of control characters (text.ts) and never decodes as UTF-7 (T6).

export type DecodeFailure = 'unknown_charset' | 'malformed';

export type DecodedText = { ok: true; text: string; charset: string } | { ok: false; reason: DecodeFailure };

export type DecodedForm =
  | { ok: true; fields: Map<string, string>; charset: string }
  | { ok: false; reason: DecodeFailure | 'too_many_fields' };

const maxFormFields = 1000;
const maxPrescanBytes = 1024;

/**
 * Decodes a body strictly: by its byte order mark, else by `declared` (a charset label), else as UTF-8. `charset` in the
 * answer is the WHATWG name of what was used, so `iso-8859-1` comes back as `windows-1252`.
 */
export function decodeText(bytes: Uint8Array, declared?: string | null): DecodedText {
  const label = charsetName(declared);
  if (label === null) return { ok: false, reason: 'unknown_charset' };
  const charset = byteOrderMark(bytes) ?? label ?? 'utf-8';
  const text = decodeStrictly(bytes, charset);
  return text === null ? { ok: false, reason: 'malformed' } : { ok: true, text, charset };
}

/**
 * Decodes a page as a browser would: byte order mark, HTTP charset, `<meta>` or XML declaration in the first 1024 bytes,
 * UTF-8 if the bytes are valid, else windows-1252. Never fails: an unknown label is passed over, and a page that does
 * not keep to its declared charset gets replacement characters.
 */
export function decodeHtml(
  bytes: Uint8Array,
  contentType: string | null | undefined,
): { text: string; charset: string } {
  const declared = byteOrderMark(bytes) ?? charsetName(charsetParameter(contentType)) ?? charsetInMarkup(bytes);
  if (declared) {
    return { text: decodeLoosely(bytes, declared), charset: declared };
  }
  const utf8 = decodeAll([bytes], 'utf-8') ?? decodeCutUtf8([bytes]);
  if (utf8) return { text: utf8[0] ?? '', charset: 'utf-8' };
  return {
    text: decodeLoosely(bytes, 'windows-1252'),
    charset: 'windows-1252',
  };
}

/**
 * Decodes an `application/x-www-form-urlencoded` body on bytes (T5). The charset is that of Content-Type, else the form
 * field `charset` or `_charset_`, else strict UTF-8, else a guess (T4). The first field of a name wins; a malformed
 * percent sign stays as it is. A declared charset that is unknown, or that the bytes do not keep to, is a failure.
 */
export function decodeForm(body: Uint8Array, contentType: string | null | undefined): DecodedForm {
  const pairs = splitForm(body);
  if (pairs === null) return { ok: false, reason: 'too_many_fields' };
  const labels = [charsetParameter(contentType), charsetField(pairs)];
  // T6: no, wherever it stands.
  if (labels.some(isUtf7)) return { ok: false, reason: 'unknown_charset' };
  const declared = charsetName(labels[0] ?? labels[1]);
  // UTF-16 cannot be the charset of a form: its ASCII would not be bytes of ASCII.
  if (declared === null || declared?.startsWith('utf-16')) {
    return { ok: false, reason: 'unknown_charset' };
  }
  const decoded = declared ? { charset: declared, texts: decodeAll(pairs, declared, true) } : guess(pairs);
  if (decoded.texts === null) return { ok: false, reason: 'malformed' };
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < decoded.texts.length; at += 2) {
    const name = decoded.texts[at] ?? '';
    if (!fields.has(name)) fields.set(name, decoded.texts[at + 1] ?? '');
  }
  return { ok: true, fields, charset: decoded.charset };
}

/** The value of the `charset` parameter of a Content-Type, or undefined without one. */
export function charsetParameter(contentType: string | null | undefined): string | undefined {
  const match = /;\s*charset\s*=\s*["']?([^;"'\s]+)/i.exec(contentType ?? '');
  return match?.[1];
}

// Names that PHP and older Japanese tools send and that the WHATWG table does not hold.
const aliases: Record<string, string> = {
  cp932: 'shift_jis',
  'sjis-win': 'shift_jis',
  eucjp: 'euc-jp',
  'eucjp-win': 'euc-jp',
  jis: 'iso-2022-jp',
};

/** The WHATWG name of a label: undefined when none was given, null when it is unknown (UTF-7 among them). */
function charsetName(label: string | null | undefined): string | null | undefined {
  const key = label?.trim().toLowerCase();
  if (!key) return undefined;
  if (isUtf7(key)) return null;
  try {
    return new TextDecoder(aliases[key] ?? key).encoding;
  } catch {
    return null;
  }
}

function isUtf7(label: string | null | undefined): boolean {
  return /utf-?7/i.test(label ?? '');
}

function byteOrderMark(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return undefined;
}

/** The first known charset that the head of a page names, or undefined. */
function charsetInMarkup(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder('latin1')
    .decode(bytes.subarray(0, maxPrescanBytes))
    .replace(/<!--[\s\S]*?(?:-->|$)/g, ' ');
  const labels: (string | undefined)[] = [];
  for (const [tag] of head.matchAll(/<meta\b[^>]*/gi)) {
    const isContentType = /http-equiv\s*=\s*["']?\s*content-type/i.test(tag);
    if (isContentType || !/\bcontent\s*=/i.test(tag)) {
      labels.push(/\bcharset\s*=\s*["']?\s*([^\s"'/>;]+)/i.exec(tag)?.[1]);
    }
  }
  const declaration = /^\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]+)/i;
  labels.push(declaration.exec(head)?.[1]);
  for (const label of labels) {
    const name = charsetName(label);
    // Markup that could be read as ASCII is not UTF-16, whatever it says (HTML, "prescan a byte stream").
    if (name) return name.startsWith('utf-16') ? 'utf-8' : name;
  }
  return undefined;
}

/** The names and values of a form as bytes, in turn; null when there are too many. */
function splitForm(body: Uint8Array): Uint8Array[] | null {
  const pairs: Uint8Array[] = [];
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(0x26, start);
    const end = found === -1 ? body.length : found;
    if (end > start) {
      if (pairs.length >= maxFormFields * 2) return null;
      const field = body.subarray(start, end);
      const equals = field.indexOf(0x3d);
      const nameEnd = equals === -1 ? field.length : equals;
      pairs.push(percentDecode(field.subarray(0, nameEnd)), percentDecode(field.subarray(nameEnd + 1)));
    }
    start = end + 1;
  }
  return pairs;
}

function percentDecode(bytes: Uint8Array): Uint8Array {
  const decoded = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at] ?? 0;
    if (byte === 0x2b) byte = 0x20;
    else if (byte === 0x25) {
      const high = hexDigit(bytes[at + 1]);
      const low = hexDigit(bytes[at + 2]);
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        at += 2;
      }
    }
    decoded[length++] = byte;
  }
  return decoded.subarray(0, length);
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

function charsetField(pairs: readonly Uint8Array[]): string | undefined {
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const name = decodeLoosely(pairs[at] ?? new Uint8Array(), 'windows-1252');
    if (name !== 'charset' && name !== '_charset_') continue;
    const value = decodeLoosely(pairs[at + 1] ?? new Uint8Array(), 'windows-1252');
    if (value.trim() !== '') return value;
  }
  return undefined;
}

function guess(parts: readonly Uint8Array[]): {
  charset: string;
  texts: string[] | null;
} {
  // JIS is made of ASCII bytes, so UTF-8 would take it: the escape sequence tells.
  if (parts.some((part) => part.includes(0x1b))) {
    const texts = decodeAll(parts, 'iso-2022-jp', true);
    if (texts && looksJapanese(texts)) return { charset: 'iso-2022-jp', texts };
  }
  const utf8 = decodeAll(parts, 'utf-8') ?? decodeCutUtf8(parts);
  if (utf8) return { charset: 'utf-8', texts: utf8 };
  // EUC-JP first: its bytes are often valid Shift_JIS (as half-width kana), hardly ever the other way round.
  for (const charset of ['euc-jp', 'shift_jis']) {
    const texts = decodeAll(parts, charset, true);
    if (texts && looksJapanese(texts)) return { charset, texts };
  }
  return {
    charset: 'windows-1252',
    texts: parts.map((part) => decodeLoosely(part, 'windows-1252')),
  };
}

/**
 * Whether texts decoded by a Japanese charset are Japanese. Western words with accents are valid there by accident
 * ("it’s" holds a kanji), so it takes kana, or more kanji than letters; half-width kana prove nothing.
 */
function looksJapanese(texts: readonly string[]): boolean {
  let kana = 0;
  let kanji = 0;
  let letters = 0;
  for (const text of texts) {
    // A URL or a blog's name in ASCII says nothing about the charset.
    if (!/[^\t-~]/.test(text)) continue;
    for (const char of text) {
      if (/[\u3041-\u3096\u30a1-\u30fa]/.test(char)) kana++;
      else if (/\p{Script=Han}/u.test(char)) kanji++;
      else if (/[A-Za-z]/.test(char)) letters++;
    }
  }
  return kana > 0 || (kanji >= 2 && kanji > letters);
}

/** UTF-8 of which senders cut the end at a byte count; believed only if whole characters beyond ASCII are there too. */
function decodeCutUtf8(parts: readonly Uint8Array[]): string[] | null {
  const texts = decodeAll(parts, 'utf-8', true);
  return texts?.some((text) => /[^\0-\x7f]/.test(text)) ? texts : null;
}

/** All parts by one charset, or null if one is malformed. `cut`: an unfinished last character is dropped. */
function decodeAll(parts: readonly Uint8Array[], charset: string, cut = false): string[] | null {
  const texts: string[] = [];
  for (const part of parts) {
    const text = decodeStrictly(part, charset, cut);
    if (text === null) return null;
    texts.push(text);
  }
  return texts;
}

function decodeStrictly(bytes: Uint8Array, charset: string, cut = false): string | null {
  try {
    // A new decoder each time: a stream that was cut keeps its unfinished bytes.
    const decoder = new TextDecoder(charset, { fatal: true });
    return windows1252(decoder.decode(bytes, { stream: cut }), charset);
  } catch {
    return null;
  }
}

function decodeLoosely(bytes: Uint8Array, charset: string): string {
  return windows1252(new TextDecoder(charset).decode(bytes), charset);
}

const highPunctuation = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** Node 20 decodes windows-1252 as ISO-8859-1; this puts right what it left as control characters, and is idle later. */
function windows1252(text: string, charset: string): string {
  if (charset !== 'windows-1252') return text;
  return text.replace(/[\x80-\x9f]/g, (char) => highPunctuation[char.charCodeAt(0) - 0x80] ?? char);
}
