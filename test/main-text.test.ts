// What of a page is its own text, and what stands around it or was said by others below it.
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readPage } from '../src/html.ts';

const from = 'https://blog.example/post';
const read = (html: string) => readPage(html, from);
const text = (html: string) => read(html).text;
const fixture = (name: string) => readFile(new URL(`fixtures/posts/${name}.html`, import.meta.url), 'utf8');

describe('the text of a post as its engine lays it out, without navigation, sidebar and comments', () => {
  test.each([
    [
      'wordpress',
      'Growing garlic on a balcony',
      '2024-10-12T08:30:00.000Z',
      'Garlic wants a cold winter, so plant the cloves in October, a hand apart and two thumbs deep.\nThe pot\n' +
        'A pot of thirty centimetres holds six cloves. Water little until the first green shows in March.',
    ],
    [
      'hugo',
      'Ein Regal aus Eiche',
      '2023-02-05T18:00:00.000Z',
      'Das Holz lag zwei Jahre in der Scheune, bevor ich die Bretter gehobelt habe.\n' +
        'Die Zinken sind von Hand gesägt; beim ersten Boden passte keine einzige.',
    ],
    [
      'ghost',
      'La traversée du Vercors à pied',
      '2025-06-01T06:00:00.000Z',
      "Le premier jour mène de Grenoble au col de l'Arc, avec neuf cents mètres de montée.\n" +
        "L'eau manque sur les hauts plateaux; les sources sont notées sur la carte.",
    ],
    [
      'jekyll',
      'Parsing dates without tears',
      '2019-03-09T00:00:00.000Z',
      'Every parser of dates begins with a regular expression and ends with a table of time zones.',
    ],
    [
      'movable-type',
      'The ferry to Ardrossan (Harbour Notes)',
      '2008-05-17T20:04:00.000Z',
      'The old ferry was late again, and the harbour master would not say why. We ate chips on the quay until the wind turned.',
    ],
    [
      'bare',
      'Mending a bicycle tube',
      null,
      'Mending a bicycle tube\nFind the hole under water, roughen the rubber, and wait until the glue is dry before the ' +
        'patch goes on.\nPress hard.',
    ],
    [
      'chinese',
      '自家酿米酒的方法',
      null,
      '糯米浸泡一夜,蒸熟后摊凉,再拌入酒曲。\n坛子放在温暖的地方,三天以后就能闻到酒香。',
    ],
    [
      'arabic',
      'طريقة تحضير خبز الصاج',
      '2022-11-03T00:00:00.000Z',
      'طريقة تحضير خبز الصاج\n٣ نوفمبر ٢٠٢٢\nيعجن الدقيق مع الماء والملح ويترك ساعة حتى يرتاح.\nثم يرق العجين ويخبز على الصاج الساخن دقيقة واحدة.',
    ],
  ])('%s', async (name, title, publishedAt, expected) => {
    const page = read(await fixture(name));
    expect(page.text).toBe(expected);
    expect(page.headline ?? page.title).toBe(title);
    expect(page.publishedAt?.toISOString() ?? null).toBe(publishedAt);
  });
});

describe('the main text', () => {
  test('is the longest of what is marked as content: teasers of other posts are shorter', () => {
    const teaser = '<article><h2>Other</h2><div class="entry-content">short</div></article>';
    expect(text(`${teaser}<article><div class="entry-content"><p>the whole long post</div></article>${teaser}`)).toBe(
      'the whole long post',
    );
    expect(text('<main>around<article>one</article><article>the second</article></main>')).toBe('the second');
  });

  test('is never that of comments, even where a page holds nothing else', () => {
    for (const comments of [
      '<section id="comments">spam</section>',
      '<ol class="commentlist"><li>spam</ol>',
      '<div class="post-comments">spam</div>',
      '<div class="article__comments"><div class="e-content">spam</div></div>',
      '<div id="comment-12">spam</div>',
      '<div id=respond>spam</div>',
      '<div class="h-cite u-comment"><p class="e-content">spam</p></div>',
      '<div itemprop="comment">spam</div>',
    ]) {
      expect(text(`<img alt="a picture">${comments}`), comments).toBe('');
      expect(text(`<article><p>post</p>${comments}</article>`), comments).toBe('post');
    }
  });

  test('leaves out articles that follow the text of an article: HTML has comments so', () => {
    expect(text('<article><p>post</p><article><p>spam that is much longer than the post</p></article></article>')).toBe(
      'post',
    );
    expect(text('<article class="wrap"><article><p>post</p></article></article>')).toBe('post');
  });

  test('of a post about comments is kept, whatever its tags, headings and body are called', () => {
    expect(
      text(
        '<body class="comments"><article class="post tag-comments category-comment-spam"><h2 id="comments">On comments</h2>we moderate</article>',
      ),
    ).toBe('On comments\nwe moderate');
    expect(text('<div class="has-comments comments-open"><p>post</p></div>')).toBe('post');
  });

  test('leaves out what nobody sees, unless a script is to show the whole page', () => {
    expect(text('<p>seen</p><p hidden>no</p><p style="color:red; display : none">no</p>')).toBe('seen');
    expect(text('<html hidden><body style="display:none"><p>seen</p></body>')).toBe('seen');
  });

  test('is found in a form around the whole page, as some engines write it', () => {
    expect(text('<body><form><nav>menu</nav><div class="post-body">post</div><label>Name</label></form>')).toBe('post');
  });

  test('is what frames a page where there is nothing else', () => {
    expect(text('<nav>menu</nav><div class="sidebar">more</div>')).toBe('menu\nmore');
  });

  test('S13: is read in linear time from any nesting of articles and comments', () => {
    const rows = 30_000;
    expect(text('<div class="entry-content">x'.repeat(rows))).toHaveLength(2 * rows - 1);
    expect(text('<article><div class="entry-content">x'.repeat(rows))).toBe('x');
    expect(text(`${'<article>x</article>'.repeat(rows)}<article>the end</article>`)).toBe('the end');
    expect(text(`<div class="${'post-'.repeat(180_000)}comments">x</div>`)).toBe('x');
  });
});

describe('the headline', () => {
  test('is og:title, else the h1 of the text, never that of the site', () => {
    const headline = (html: string) => read(html).headline;
    expect(headline('<meta property="og:title" content=" A &amp; B "><article><h1>C</h1></article>')).toBe('A & B');
    expect(headline('<header><h1>Site</h1></header><main><header><h1>Post</h1></header></main>')).toBe('Post');
    expect(headline('<h1>Site</h1><article><h2>Post</h2></article>')).toBeNull();
    expect(headline('<article><h1><img src=/logo></h1></article>')).toBeNull();
  });
});

describe('the time of publication', () => {
  const published = (html: string) => read(html).publishedAt?.toISOString() ?? null;

  test('is that of the head, else the first of the page that is not a comment’s', () => {
    const time = '<time class="dt-published" datetime="2020-02-02T02:02:02Z">';
    expect(published(`${time}<meta property="article:published_time" content="2021-01-01T10:00:00+02:00">`)).toBe(
      '2021-01-01T08:00:00.000Z',
    );
    expect(published(`<div class="u-comment"><time class=dt-published datetime=2023-01-01></div>${time}`)).toBe(
      '2020-02-02T02:02:02.000Z',
    );
    expect(published('<meta itemprop="datePublished" content="2020-02-02">')).toBe('2020-02-02T00:00:00.000Z');
  });

  test.each([
    ['2020-02-02 10:00', '2020-02-02T10:00:00.000Z'],
    ['2020-02-02T10:00:00.123456-0330', '2020-02-02T13:30:00.000Z'],
    ['2020-02-02t10:00:00z', '2020-02-02T10:00:00.000Z'],
    ['2020-13-45', null],
    ['02/03/2020', null],
    ['yesterday', null],
    ['', null],
  ])('%j is %s', (datetime, expected) => {
    expect(published(`<time class="dt-published" datetime="${datetime}">`)).toBe(expected);
  });
});
