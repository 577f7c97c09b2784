// What of a text becomes features: disguises fold away, every script gives evidence, nothing hidden is shown.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupOf, groups } from '../../src/judge/feature-set.ts';
import {
  type Evidence,
  extractFeatures,
  noBackground,
  packLesson,
  readFeatures,
  unpackLesson,
} from '../../src/judge/features.ts';
import { fold, undisguise, wordsOf } from '../../src/judge/fold.ts';
import { languageOf, stem } from '../../src/judge/language.ts';
import { findLinks, siteOf } from '../../src/judge/links.ts';

describe('folding', () => {
  test.each([
    ['mathematical letters', '𝐜𝐡𝐞𝐚𝐩 𝓁𝑜𝒶𝓃𝓈'],
    ['full-width letters', 'ｃｈｅａｐ ＬＯＡＮＳ'],
    ['zero-width characters', 'ch\u200beap lo\u00adans'],
    ['Cyrillic look-alikes', 'сhеар lоаns'],
    ['Greek look-alikes', 'chεαp lοans'],
    ['dots between letters', 'c.h.e.a.p l-o-a-n-s'],
    ['stacked marks', 'c\u0336h\u0336e\u0336a\u0336p loans'],
    ['blanks between letters', 'c h e a p  l o a n s'],
    ['letters in circles', 'ⓒⓗⓔⓐⓟ ⓛⓞⓐⓝⓢ'],
    ['white letters on black', '🅲🅷🅴🅰🅿 🅛🅞🅐🅝🅢'],
    ['small capitals', 'ᴄʜᴇᴀᴘ ʟᴏᴀɴꜱ'],
    ["flags' letters", '🇨🇭🇪🇦🇵 🇱🇴🇦🇳🇸'],
  ])('sees through %s', (_, text) => {
    expect(wordsOf(fold(text).text)).toEqual(['cheap', 'loans']);
    expect(fold('cheap loans').disguised).toBe(0);
  });

  test('folds Latin letters inside a Cyrillic word to the Cyrillic word', () => {
    expect(fold('Кpeдиты').text).toBe('кредиты');
    expect(fold('Кpeдиты').disguised).toBe(1);
  });

  test('counts styled letters as a disguise, but not the full-width ones of East Asian typing', () => {
    expect(fold('𝐜𝐡𝐞𝐚𝐩').disguised).toBe(1);
    expect(fold('ᴄʜᴇᴀᴘ').disguised).toBe(1);
    expect(fold('ｃｈｅａｐ').disguised).toBe(0);
  });

  test('joins spaced-out and stretched words of other scripts', () => {
    expect(fold('代 开 发 票').text).toBe('代开发票');
    expect(fold('к а з и н о').text).toBe('казино');
    expect(fold('كـــازينو').text).toBe('كازينو');
  });

  test('leaves honest words of every script alone', () => {
    const honest = ['naïve café', 'привет мир', 'καλημέρα κόσμε', 'שלום עולם', 'مرحبا بالعالم'];
    const unspaced = [
      '你好世界',
      'こんにちは世界',
      'สวัสดีชาวโลก',
      '안녕하세요 여러분',
      'नमस्ते दुनिया',
      'xin chào thế giới',
    ];
    for (const text of [...honest, ...unspaced, '👍🏽 🥖 🇩🇪']) {
      expect(fold(text)).toEqual({ text, disguised: 0 });
    }
  });

  test('puts letters back where digits and signs stand for them', () => {
    expect(undisguise('l0an5')).toBe('loans');
    expect(undisguise('l0ån$')).toBe('loans');
    expect(undisguise('loans')).toBeNull();
    expect(undisguise('2024')).toBeNull();
  });

  test('cuts words at 40 characters', () => {
    expect(wordsOf(`${'x'.repeat(100_000)} y`)).toEqual(['x'.repeat(40), 'y']);
  });

  test('takes texts without spaces between words in pairs of characters', () => {
    expect(wordsOf('天気がいい')).toEqual(['天気', '気が', 'がい', 'いい']);
    expect(wordsOf('python入門書')).toEqual(['python', '入門', '門書']);
  });
});

describe('languages', () => {
  test.each([
    ['en', 'i have read this and it was very good'],
    ['de', 'ich habe das gelesen und es war nicht schlecht'],
    ['fr', 'je ne suis pas sûr que ce soit dans les faits'],
    ['ru', 'я не знаю как это было сделано'],
    ['han', '我不知道这是怎么做的'],
    ['kana', 'これはどうやって作りましたか'],
    ['arabic', 'لا أعرف كيف تم هذا'],
    ['thai', 'ไม่รู้ว่าทำอย่างไร'],
  ])('guesses %s', (language, text) => {
    expect(languageOf(wordsOf(text))).toBe(language);
  });

  test('stems words of a language it knows, and no more than 40 characters of any', () => {
    expect(stem('baking', 'en')).toBe(stem('baked', 'en'));
    expect(stem('häuser', 'de')).toBe(stem('haus', 'de'));
    // The stemmer would take most of a minute over it, were it not cut.
    expect(stem("'".repeat(100_000), 'en').length).toBeLessThanOrEqual(40);
  });
});

describe('links', () => {
  test('are found in plain text, HTML, BBCode and as bare domains', () => {
    const text =
      'see https://a.example/x?y=1, <a href="http://b.example/">b</a> [url=http://c.example]c[/url] or shop.example.com';
    expect(findLinks(text).links.map((link) => link.host)).toEqual([
      'a.example',
      'b.example',
      'c.example',
      'shop.example.com',
    ]);
  });

  test('are not seen where there are none', () => {
    for (const text of ['version 1.2.3 of the file main.rs', 'well...then', 'e.g. this']) {
      expect(findLinks(text).links).toEqual([]);
    }
  });

  test('belong to a site by their last labels', () => {
    expect(siteOf('a.b.example.com')).toBe('example.com');
    expect(siteOf('shop.example.co.uk')).toBe('example.co.uk');
  });
});

describe('features', () => {
  test('are sorted, each once, and the same every time', () => {
    const one = extractFeatures(full, noBackground).packed;
    expect([...one]).toEqual([...new Set(one)].sort((a, b) => a - b));
    expect(extractFeatures(structuredClone(full), noBackground).packed).toEqual(one);
  });

  test('come from every group the evidence speaks to', () => {
    const seen = new Set([...extractFeatures(full, noBackground).packed].map((at) => groups[groupOf(at)]));
    expect(seen).toEqual(new Set(groups));
  });

  test.each([
    ['Chinese', '这家店的面包非常好吃'],
    ['Japanese', 'とても役に立つ記事でした'],
    ['Thai', 'ขอบคุณสำหรับบทความนี้'],
    ['Arabic', 'شكرا جزيلا على هذه المقالة'],
    ['Hindi', 'इस लेख के लिए धन्यवाद'],
    ['Korean', '좋은 글 감사합니다'],
  ])('of a text in %s hold words and characters', (_, content) => {
    const { packed } = extractFeatures({ kind: 'comment', author: {}, content }, noBackground);
    const of = (group: string) => [...packed].filter((at) => groups[groupOf(at)] === group).length;
    expect(of('words')).toBeGreaterThan(2);
    expect(of('characters')).toBeGreaterThan(5);
  });

  test('that can be shown are words, names, addresses and signals as they were written', () => {
    const labels = [...readFeatures(full, noBackground).labels.values()].map((at) => `${at.field}: ${at.token}`);
    for (const label of [
      'content: rye',
      'title: notes',
      'author name: baker',
      'author name: ada baker',
      'author address: ada.example',
      'author e-mail: mail.example',
      'link: flour.example',
      'source: blog.example',
      'signal: no_link_back',
    ]) {
      expect(labels).toContain(label);
    }
  });

  test('that can be shown are all features of the evidence', () => {
    const packed = new Set(extractFeatures(full, noBackground).packed);
    for (const feature of readFeatures(full, noBackground).labels.keys()) expect(packed.has(feature)).toBe(true);
  });

  test('stay bounded for hostile texts', () => {
    for (const content of ['a.'.repeat(50_000), '<a '.repeat(50_000), "'".repeat(100_000), '[url='.repeat(30_000)]) {
      expect(extractFeatures({ ...full, content }, noBackground).packed.length).toBeLessThan(20_000);
    }
  });

  test('survive any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (content) => {
        extractFeatures(
          { kind: 'comment', author: { name: content, url: content, email: content }, content },
          noBackground,
        );
      }),
      { numRuns: 200 },
    );
  });

  test('round-trip through a packed lesson', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 0xffffffff })), (values) => {
        const packed = Uint32Array.from(values).sort();
        expect(unpackLesson(packLesson(packed))).toEqual(packed);
      }),
    );
    expect(() => unpackLesson(Uint8Array.of(0x80))).toThrow(RangeError);
  });
});

describe('relevance', () => {
  const post = { title: 'Rye bread', text: 'Rye flour wants more water than wheat, and a night in the fridge.' };

  test('is higher for a text about the post than for one about something else', () => {
    const on = readFeatures(
      { ...bare, post, content: 'How much water did the rye flour take?' },
      noBackground,
    ).relevance;
    const off = readFeatures(
      { ...bare, post, content: 'Compare insurance quotes for motorcycles' },
      noBackground,
    ).relevance;
    expect(on?.score).toBeGreaterThan(off?.score ?? 0);
    expect(off?.shared).toBe(0);
  });

  test('counts what was approved below the post as its topic', () => {
    const content = 'Mine tasted of vinegar too';
    const thread = ['It tasted strongly of vinegar'];
    expect(readFeatures({ ...bare, post, content }, noBackground).relevance?.shared).toBe(0);
    expect(readFeatures({ ...bare, post, content, thread }, noBackground).relevance?.sharedThread).toBe(2);
  });

  test('of a ping is told from the page that links here, more than from its excerpt', () => {
    const ping = { kind: 'pingback' as const, author: {}, content: 'and so we tried it last week', post };
    const onTopic =
      'Rye flour, water and salt: the sourdough bread of our neighbours, baked in a hot oven with a crust.';
    const offTopic = 'Cheap insurance quotes, car loans and mortgages, compared by our certified brokers every day.';
    const scoreOf = (sourceText: string) => readFeatures({ ...ping, sourceText }, noBackground).relevance?.score ?? 0;
    expect(scoreOf(onTopic)).toBeGreaterThan(scoreOf(offTopic));
    expect(readFeatures({ ...ping, sourceText: onTopic }, noBackground).relevance?.shared).toBeGreaterThan(0);
  });

  test('is not known without a post', () => {
    expect(readFeatures({ ...bare, content: 'rye' }, noBackground).relevance).toBeNull();
  });
});

const bare: Evidence = { kind: 'comment', author: {}, content: '' };

const full: Evidence = {
  kind: 'webmention',
  author: { name: 'Ada Baker', email: 'ada77@mail.example', url: 'https://ada.example/about' },
  title: 'Notes on bread',
  content: 'Try rye flour from https://flour.example/shop, 2 kg for 5 €!',
  source: 'https://blog.example/notes',
  post: { title: 'Rye bread', text: 'All about rye flour.' },
  thread: ['Lovely loaf'],
  signals: ['no_link_back'],
};
