// Text as it is cleaned, cropped, decoded and escaped, and the URLs that are found in it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cleanText,
  collapse,
  createTextSink,
  crop,
  decodeEntities,
  escapeHtml,
  escapeXml,
  findUrls,
} from '../src/text.ts';

/** Strings of any UTF-16 units, with the troublesome ones often. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(0, 9, 10, 13, 0x1b, 0x7f, 0xd83d, 0xde00, 0xdfff, 0xd800),
    ),
  )
  .map((units) => String.fromCharCode(...units));

describe('cleanText', () => {
  test('drops control characters but tab and newline', () => {
    expect(cleanText('a\0b\u0001\b\u001bc\td\v\fe')).toBe('abc\tde');
  });

  test('gives every line ending as a newline', () => {
    expect(cleanText('a\r\nb\rc\nd\r\r\ne')).toBe('a\nb\nc\nd\n\ne');
  });

  test('replaces lone surrogates and keeps pairs', () => {
    expect(cleanText('\ud83d \ude00 😀')).toBe('\ufffd \ufffd 😀');
  });

  test('is idempotent and never leaves NUL or lone surrogates', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const clean = cleanText(text);
        expect(cleanText(clean)).toBe(clean);
        expect(clean).not.toMatch(/[\0\r]|\p{Surrogate}/u);
      }),
    );
  });
});

describe('crop', () => {
  test('leaves what fits alone', () => {
    expect(crop('one two', 7)).toBe('one two');
    expect(crop('', 5)).toBe('');
    expect(crop('😀😀', 2)).toBe('😀😀');
  });

  test('cuts at a word boundary, and the ellipsis counts', () => {
    expect(crop('one two three', 9)).toBe('one two…');
    expect(crop('one two three', 8)).toBe('one two…');
    expect(crop('one two three', 7)).toBe('one…');
  });

  test('cuts text without spaces where it stands, by code points', () => {
    expect(crop('これはとても長い文です', 5)).toBe('これはと…');
    expect(crop('😀😀😀', 2)).toBe('😀…');
    expect(crop('a verylongwordindeed', 10)).toBe('a verylon…');
    expect(crop('abc', 1)).toBe('…');
    expect(crop('abc', 0)).toBe('');
  });

  test('never gives more than the cap nor half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 20 }), (text, max) => {
        const cropped = crop(text, max);
        expect([...cropped].length).toBeLessThanOrEqual(max);
        expect(cropped).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });
});

test('collapse makes every white space one space', () => {
  expect(collapse(' \n a\t\u00a0b\u3000 c \r\n')).toBe('a b c');
});

describe('decodeEntities', () => {
  test('T7: what WordPress encoded is decoded', () => {
    expect(decodeEntities('S&eacute;nder &#038; &#8220;post&#8221; &hellip;')).toBe('Sénder & “post” …');
  });

  test('T7: only once', () => {
    expect(decodeEntities('&amp;lt;b&amp;gt;')).toBe('&lt;b&gt;');
    expect(decodeEntities('&#38;#60;')).toBe('&#60;');
  });

  test('leaves tags and stray ampersands alone', () => {
    expect(decodeEntities('<b>AT&T</b> &nosuch; & &# &#x </textarea></title>')).toBe(
      '<b>AT&T</b> &nosuch; & &# &#x </textarea></title>',
    );
    expect(decodeEntities('&am<p>&amp<p>')).toBe('&am<p>&<p>');
  });

  test('gives U+FFFD for references to what is no character, and never throws', () => {
    expect(decodeEntities('&#0;&#xD800;&#x110000;&#99999999999999999999;')).toBe('\ufffd\ufffd\ufffd\ufffd');
    expect(decodeEntities(`&#${'1'.repeat(1_000_000)};`)).toBe('\ufffd');
    expect(decodeEntities('<&'.repeat(200_000))).toHaveLength(400_000);
  });

  test('undoes escapeHtml', () => {
    const unit = fc.constantFrom(...'&<>"\';#xalt1 é😀');
    fc.assert(fc.property(fc.string({ unit }), (text) => decodeEntities(escapeHtml(text)) === text));
  });
});

test('escapeHtml escapes for text and for attributes in either quotes', () => {
  expect(escapeHtml(`<a href="x" title='y'>&amp;`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;');
});

test('S14: escapeXml drops the characters that XML 1.0 forbids', () => {
  expect(escapeXml('a\0\u0008\u000b\u001f\ufffe\uffff\ud800b\t\n\r<😀>\u0085')).toBe('ab\t\n\r&lt;😀&gt;\u0085');
});

describe('findUrls', () => {
  const urls = (text: string) => findUrls(text).map(({ url }) => url);

  test('leaves out the punctuation that follows', () => {
    expect(urls('See https://a.example/x, (http://b.example/y). "https://c.example/?q=1"!')).toEqual([
      'https://a.example/x',
      'http://b.example/y',
      'https://c.example/?q=1',
    ]);
    expect(urls('<https://a.example/> [x](https://b.example/c)')).toEqual([
      'https://a.example/',
      'https://b.example/c',
    ]);
    expect(urls('https://a.example/What?! https://b.example/...')).toEqual([
      'https://a.example/What',
      'https://b.example/',
    ]);
    expect(urls('詳しくは「https://a.example/記事」。')).toEqual(['https://a.example/記事']);
  });

  test('keeps brackets that the URL opened itself', () => {
    expect(urls('(see https://a.example/Cat_(animal))')).toEqual(['https://a.example/Cat_(animal)']);
  });

  test('W8: a URL within something longer is none', () => {
    expect(urls('evil.example/?u=https://a.example/ xhttps://b.example //https://c.example')).toEqual([]);
    expect(urls('https://evil.example/?u=https://a.example/')).toEqual(['https://evil.example/?u=https://a.example/']);
  });

  test('other schemes, bare schemes and endless URLs are none', () => {
    expect(urls('javascript:alert(1) ftp://a.example/ http:// https://. www.a.example')).toEqual([]);
    expect(urls(`https://a.example/${'x'.repeat(2000)}`)).toEqual([]);
  });

  test('gives the offsets of what it found', () => {
    const text = 'at https://a.example/x.';
    expect(findUrls(text).map(({ start, end }) => text.slice(start, end))).toEqual(['https://a.example/x']);
  });

  test('S13: reads a megabyte of anything', () => {
    expect(urls(`http://a.example/${')'.repeat(1_000_000)}`)).toEqual([]);
    expect(urls('http://'.repeat(150_000))).toEqual([]);
    expect(urls('http://a '.repeat(100_000))).toHaveLength(100_000);
  });
});

test('a text sink collapses white space across pieces and divides paragraphs', () => {
  const sink = createTextSink();
  sink.break();
  for (const piece of [' one', ' ', 'two', '', '-', 'three \n']) sink.add(piece);
  sink.break();
  sink.break();
  sink.add('  four ');
  expect(sink.read()).toBe('one two-three\nfour');
  expect(sink.length()).toBe(18);
});
