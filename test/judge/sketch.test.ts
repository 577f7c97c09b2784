import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimilarTexts, signalsOfCopies } from '../../src/judge/similar-texts.ts';
import { bandsOf, belongsTo, type Shingles, shinglesOf } from '../../src/judge/sketch.ts';
import { spun } from '../support/spun.ts';

const shingles = (content: string) => shinglesOf({ title: null, content });
const some = (content: string) => {
  const found = shingles(content);
  if (found === null) throw new Error(`too short: ${content}`);
  return found;
};
/** The share of the pairs of spun copies that are taken for copies, when found by their bands. */
const shareFound = (copies: Shingles[]) => {
  const pairs = copies.flatMap((a, i) => copies.slice(i + 1).map((b) => [a, b] as const));
  const isFound = ([a, b]: readonly [Shingles, Shingles]) => {
    const bands = bandsOf(b);
    return bandsOf(a).some((band) => bands.includes(band)) && belongsTo(a, { first: b, nearest: null });
  };
  return pairs.filter(isFound).length / pairs.length;
};

const pitches = {
  loan: `{Hello|Hi|Dear} NAME, my name is NAME and I {want|wish} to share my {testimony|story} about how I got a loan of
    NUMBER from a {trusted|reliable|honest} lender at NUMBER interest. I was {turned down|refused} by every bank because of my
    credit, and then a friend introduced me to NAME who {gave|granted} me the loan without any stress. If you need a loan,
    contact them at LINK or by e-mail today.`,
  exchange: `{Hi|Hello}, I {read|saw} your post TITLE and {really|truly} enjoyed it. I was wondering whether you would be
    interested in {swapping|exchanging} links with my {website|blog|site} about {roofing|plumbing}. We could get both
    our pages NUMBER more {visitors|readers} within weeks. Please answer at LINK`,
  russian: `{Здравствуйте|Привет|Добрый день}, NAME! Ищу людей для {удалённой|дистанционной} работы, доход от NUMBER долларов в
    неделю, всё обучение бесплатно, {нужен|требуется} только телефон и {час|два часа} в день, подробности пишите LINK`,
  german: `{Hallo|Guten Tag} NAME, ich habe über TITLE gelesen und möchte Ihnen unseren Sofortkredit ohne Schufa
    {anbieten|vorstellen}. Sie bekommen bis zu NUMBER Euro in {wenigen|nur} NUMBER Tagen ausgezahlt, ganz ohne Papierkram. LINK`,
  chinese: `{您好|大家好}，NAME！本公司专业代办{各类|各种}贷款，利息低，{放款快|到账快}，无需抵押，额度最高NUMBER万元，
    当天审批当天放款，有需要的朋友请加微信咨询 LINK`,
  japanese: `{こんにちは|はじめまして}、NAMEさん。とても参考になる記事でした。スマホだけで月にNUMBER万円{稼げる|稼ぐ}副業を
    ご紹介しています。初心者でも簡単に始められますので、興味のある方はこちらからご覧ください LINK`,
};

describe('copies', () => {
  test.each(Object.entries(pitches))('of one pitch are found whatever was exchanged: %s', (_, pitch) => {
    expect(shareFound(spun(pitch, 20).map(some))).toBeGreaterThan(0.9);
  });

  test.each([
    [
      'links alone',
      'Order your pills without prescription at http://a.example/?id=7 today, fast delivery',
      'a.example/?id=7',
    ],
    ['numbers alone', 'Order 90 pills without prescription and get 20 more, fast delivery to your door', '90'],
  ])('that differ in %s are the same', (_, text, part) => {
    const other = text.replace(part, part === '90' ? '360' : 'www.b-shop.example');
    expect(shingles(other)).toEqual(shingles(text));
  });

  test('are seen through disguised letters, capitals and markup', () => {
    const plain = some('Order your viagra without prescription today, fast delivery to your door');
    const disguised = some('ORDER your v1agra <b>without</b> prescr\u00adiption today, fаst delivery to your door');
    expect(disguised).toEqual(plain);
  });
});

describe('other texts', () => {
  const families = {
    loans: [
      'I got a loan from my bank last year at 4 percent interest and it took two months of paperwork, so I doubt the advice in the post.',
      'Do you need an urgent loan with low interest rate and no collateral? We offer personal loan, business loan and mortgage. Apply now.',
      'Good day, are you in debt? Our company gives out loans to individuals and firms at two percent. Contact us with the amount you need.',
    ],
    praise: [
      'Wow, amazing blog layout! How long have you been blogging for? You make blogging look easy. The overall look of your web site is magnificent.',
      'Thanks for every other informative site. Where else could I get that type of information written in such an ideal way?',
      'Great post! I have been looking for a clear explanation of window functions for a long time and yours is the first that made it click.',
      'Thank you for this article, it helped me a lot. I was looking for this information for a long time.',
    ],
    bread: [
      'My crust stays pale whatever I do. The oven is at 250 degrees and the stone is hot, should I leave the steam out?',
      'I leave the steam out after ten minutes and turn the loaf, then the crust gets dark without burning below.',
      'Which flour did you use? Mine is a strong wholemeal one, and it drinks far more water than the recipe says.',
    ],
    german: [
      'Ich habe letztes Jahr einen Kredit ohne Schufa gesucht und bin auf Betrüger hereingefallen. Danke, dass Sie davor warnen.',
      'Guten Tag, ich habe Ihren Artikel gelesen und möchte fragen, ob Sie den Ofen auch mit Gas betreiben können. Vielen Dank!',
    ],
    chinese: [
      '谢谢分享，文章写得很好，我也在学习怎么做面包，请问烤箱温度应该设多少度，时间要多久？',
      '贷款之前一定要看清楚合同，我朋友就是被所谓无抵押贷款骗了好几万元，大家千万小心。',
    ],
  };
  test.each(Object.entries(families))('of one topic stay apart: %s', (_, texts) => {
    const all = [...texts, ...Object.values(pitches).flatMap((pitch) => spun(pitch, 1))].map(some);
    for (const [i, a] of all.entries())
      for (const b of all.slice(i + 1)) expect(belongsTo(a, { first: b, nearest: b })).toBe(false);
  });

  test.each([
    'Thanks, great post!',
    'I agree with Ann.',
    '+1',
    '',
    '谢谢分享！',
    'https://a.example/ https://b.example/',
    '1 2 3 4 5 6 7 8 9',
  ])('too short to be a campaign are not compared: %s', (text) => expect(shingles(text)).toBeNull());

  test('short thanks of different people stay apart', () => {
    const a = some('Thanks for this great post, it helped me a lot.');
    const b = some('Thanks for the great article, this helped me so much.');
    expect(belongsTo(a, { first: b, nearest: b })).toBe(false);
  });
});

test('a member has to be more alike than the first text: a cluster does not drift', () => {
  const a = some(
    'one two three four five six seven eight nine ten eleven twelve thirteen fourteen'.replaceAll('o', 'a'),
  );
  const b = some('one two three four five six seven eight nine ten apple berry cherry damson'.replaceAll('o', 'a'));
  expect(belongsTo(a, { first: b, nearest: null })).toBe(true);
  expect(belongsTo(a, { first: null, nearest: b })).toBe(false);
});

test('any text gives the same bands each time, 32-bit numbers, or none', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (content) => {
      const found = shingles(content);
      if (found === null) return;
      const bands = bandsOf(found);
      expect(bands).toHaveLength(21);
      expect(bands.every((band) => band === (band | 0))).toBe(true);
      expect(bandsOf(some(content))).toEqual(bands);
    }),
  );
});

describe('texts in memory', () => {
  const [first = '', second = '', third = '', fourth = ''] = spun(pitches.loan, 4);
  const text = (content: string) => ({ title: null, content });

  test('tell what became of the copies', () => {
    const known = new SimilarTexts();
    expect(known.look(text(first))).toEqual({ spam: 0, ham: 0, undecided: 0 });
    known.add(text(first), 'spam');
    known.add(text(second), null);
    known.add(text('The oven is at 250 degrees and the stone is hot, but my crust stays pale.'), 'ham');
    known.add(text(third), 'ham');
    expect(known.look(text(fourth))).toEqual({ spam: 1, ham: 1, undecided: 1 });
    expect(known.look(text('Thanks, great post!'))).toEqual({ spam: 0, ham: 0, undecided: 0 });
  });

  test('give the signals that the service gives', () => {
    expect(signalsOfCopies({ spam: 0, ham: 0, undecided: 2 })).toEqual([]);
    expect(signalsOfCopies({ spam: 1, ham: 2, undecided: 3 })).toEqual([
      'copy_of_spam',
      'copy_of_approved',
      'repeated',
    ]);
  });
});
