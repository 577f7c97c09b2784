// What is read from pages, honest and hostile: links (W7, W8), title (P16), excerpt (P16), main text, and the caps (S13).
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { excerptAround, findLink, findLinkInText } from '../src/find-link.ts';
import { readPage } from '../src/html.ts';
import { walkHtml } from '../src/html-walk.ts';

const from = 'https://source.example/blog/entry';
const target = 'https://target.example/post/1';

function links(html: string, base = from): string[] {
  return readPage(html, base).links.map(({ url }) => url);
}

function found(html: string, wanted = target): 'exact' | 'loose' | null {
  const match = findLink(readPage(html, from), wanted);
  return match && (match.exact ? 'exact' : 'loose');
}

function excerpt(html: string): string | null {
  const page = readPage(html, from);
  const match = findLink(page, target);
  return match && excerptAround(page, match.link);
}

describe('links of a page', () => {
  test('W7: the attributes of every linking element count', () => {
    const elements = [
      '<a href="T">x</a>',
      '<area href="T">',
      '<link href="T" rel=related>',
      '<img src="T">',
      '<img srcset="small.png 1x,T 2x">',
      '<video src="T"></video>',
      '<audio src="T"></audio>',
      '<picture><source srcset="T"></picture>',
      '<video><source src="T"></video>',
      '<iframe src="T"></iframe>',
      '<embed src="T">',
      '<object data="T"></object>',
      '<blockquote cite="T">x</blockquote>',
      '<q cite="T">x</q>',
      '<ins cite="T">x</ins>',
      '<del cite="T">x</del>',
      "<A HREF='T'>x</A>",
      '<a href=T>x</a>',
    ];
    for (const element of elements) expect(found(element.replace('T', target)), element).toBe('exact');
  });

  test('W7: comments, text, escaped HTML, scripts, templates and other attributes do not count', () => {
    const texts = [
      '<!-- <a href="T">x</a> -->',
      'T',
      '&lt;a href="T"&gt;x&lt;/a&gt;',
      '<script>document.write(\'<a href="T">x</a>\')</script>',
      '<style>a { background: url(T) }</style>',
      '<textarea><a href="T">x</a></textarea>',
      '<title><a href="T">x</a></title>',
      '<template><a href="T">x</a></template>',
      '<iframe><a href="T">x</a></iframe>',
      '<p title="T" data-href="T">x</p>',
      '<a name="T">x</a>',
      '<form action="T"></form>',
      '<a href="T',
      '<![CDATA[<a href="T">x</a>]]>',
    ];
    for (const text of texts) expect(found(text.replaceAll('T', target)), text).toBeNull();
  });

  test('W7: relative links are resolved against the final URL', () => {
    expect(links('<a href="/a">1</a><a href="b">2</a><a href="//c.example/">3</a><a href="?q">4</a>')).toEqual([
      'https://source.example/a',
      'https://source.example/blog/b',
      'https://c.example/',
      'https://source.example/blog/entry?q',
    ]);
  });

  test('W7: and against the first <base>, if it is http', () => {
    expect(links('<base href="https://target.example/post/"><base href="/x/"><a href=1>x</a>')).toEqual([target]);
    expect(links('<a href=1>x</a><base href="/other/">')).toEqual(['https://source.example/other/1']);
    expect(links('<base href="javascript:alert(1)"><a href="/1">x</a>')).toEqual(['https://source.example/1']);
  });

  test('the first attribute of a name counts, as in browsers', () => {
    expect(links('<a href="/1" HREF="/2">x</a>')).toEqual(['https://source.example/1']);
  });

  test('only http and https are kept, and links to the page itself are not', () => {
    expect(
      links(
        '<a href="#top">1</a><a href="">2</a><a href="mailto:a@b.example">3</a><a href="JavaScript:x">4</a>' +
          '<a href="java\nscript:x">5</a><a href="data:text/html,x">6</a><a href="http://[">7</a><a href="/8">8</a>',
      ),
    ).toEqual(['https://source.example/8']);
  });

  test('srcset is split at commas that end a URL or a descriptor', () => {
    expect(links('<img srcset="/a,b.png 1x, /c.png 2x,/D.png 100w , /e.png,, /f.png">')).toEqual(
      ['a,b.png', 'c.png', 'D.png', 'e.png', 'f.png'].map((path) => `https://source.example/${path}`),
    );
  });

  test('rel and text are read; an unclosed link ends where the next begins', () => {
    const page = readPage('<a rel="NoFollow  ugc" href=/1>one <b>two</b><a href=/2>three</a>', from);
    expect(page.links.map(({ rel, text }) => ({ rel, text }))).toEqual([
      { rel: ['nofollow', 'ugc'], text: 'one two' },
      { rel: [], text: 'three' },
    ]);
  });

  test('at most 2000 links are kept', () => {
    expect(links('<a href="/x">x</a>'.repeat(3000))).toHaveLength(2000);
    expect(links(`${'<a href="#x">x</a>'.repeat(3000)}<a href="/y">`)).toHaveLength(1);
  });

  test('a <base> and links too long to be stored are left out', () => {
    const long = `https://a.example/${'x'.repeat(2000)}`;
    expect(links(`<base href="${long}"><a href="${long}">1</a><a href=/2>2</a>`)).toEqual(['https://source.example/2']);
  });
});

describe('findLink', () => {
  test('W8: equal after entity decoding and WHATWG serialisation is exact', () => {
    expect(found('<a href="https://t.example/?a=1&amp;b=2">x</a>', 'https://t.example/?a=1&b=2')).toBe('exact');
    expect(found('<a href="HTTPS://Target.Example:443/x/../post/1">x</a>')).toBe('exact');
    expect(found('<a href="https://t.example/caf&eacute;">x</a>', 'https://t.example/caf%C3%A9')).toBe('exact');
    expect(found('<a href=" https://target.example/po\nst/1 ">x</a>')).toBe('exact');
    expect(found('<a href="https://bücher.example">x</a>', 'https://xn--bcher-kva.example/')).toBe('exact');
  });

  test('W8: only fragment, scheme or trailing slash apart is loose', () => {
    expect(found('<a href="http://target.example/post/1">x</a>')).toBe('loose');
    expect(found('<a href="https://target.example/post/1/">x</a>')).toBe('loose');
    expect(found('<a href="https://target.example/post/1#c2">x</a>')).toBe('loose');
    expect(found('<a href="https://target.example/post/1">x</a>', `${target}/#respond`)).toBe('loose');
  });

  test('W8: /post/1 does not match /post/10', () => {
    expect(found('<a href="https://target.example/post/10">x</a>')).toBeNull();
    expect(found('<a href="https://target.example/post/1">x</a>', 'https://target.example/post/10')).toBeNull();
  });

  test('W8: nothing else matches: not as a parameter, not another host, port, path, query or case', () => {
    const others = [
      `https://evil.example/?u=${target}`,
      `https://evil.example/${target}`,
      'https://target.example.evil.example/post/1',
      'https://target.example@evil.example/post/1',
      'https://target.example:8443/post/1',
      'https://target.example/post/1?x',
      'https://target.example/Post/1',
      'https://target.example/post',
    ];
    for (const other of others) expect(found(`<a href="${other}">x</a>`), other).toBeNull();
    expect(found('<a href="/">x</a>', 'not a URL')).toBeNull();
  });

  test('an exact match comes before a loose one, and a link with text before others', () => {
    const page = readPage(
      `<a href="${target}/">loose</a><img src="${target}"><a href="${target}"><img></a><a href="${target}">text</a>`,
      from,
    );
    expect(findLink(page, target)).toMatchObject({ exact: true, link: { text: 'text' } });
  });
});

describe('title', () => {
  const title = (html: string) => readPage(html, from).title;

  test('P16: is that of the head, decoded once, collapsed', () => {
    expect(title('<html><head><title>\n Fish  &amp; chips &amp;amp; 1 < 2 </title></head>')).toBe(
      'Fish & chips &amp; 1 < 2',
    );
    expect(title('<TITLE lang=en>no head tag</TITLE><p>')).toBe('no head tag');
    expect(title('<title>first</title><title>second</title>')).toBe('first');
  });

  test('P16: is not that of an SVG, a template or the body', () => {
    expect(title('<body><svg><title>icon</title></svg><title>late</title></body>')).toBeNull();
    expect(title('<svg><title>icon</title></svg><p>')).toBeNull();
    expect(title('<template><title>inert</title></template>')).toBeNull();
    expect(title('<head><svg><title>icon</title></svg><title>real</title></head>')).toBe('real');
    expect(title('<!-- <title>x</title> --><script>"<title>y</title>"</script>')).toBeNull();
  });

  test('P16: is at most 255 characters, clean, and null when empty', () => {
    expect(title(`<title>${'x'.repeat(300)}</title>`)).toBe(`${'x'.repeat(254)}…`);
    expect(title('<title>a\0b&#1;c&#xD800;</title>')).toBe('abc\ufffd');
    expect(title('<title> &nbsp; </title>')).toBeNull();
    expect(title('')).toBeNull();
  });
});

describe('metadata', () => {
  test('language, canonical URL and site name', () => {
    const page = readPage(
      '<html lang="pt-BR"><link rel="canonical" href="/c"><meta property="og:site_name" content=" A  site ">',
      from,
    );
    expect(page).toMatchObject({ lang: 'pt-BR', canonical: 'https://source.example/c', siteName: 'A site' });
    expect(readPage('<html lang="<b>"><link rel=canonical href="javascript:x">', from)).toMatchObject({
      lang: null,
      canonical: null,
      siteName: null,
    });
  });

  test('the author is that of the head, else of a byline', () => {
    const author = (html: string) => readPage(html, from).author;
    expect(author('<meta name="Author" content="Ann &amp; Bo"><a rel=author>C</a>')).toBe('Ann & Bo');
    expect(author('<p>by <a rel="author" href="/ann">Ann  <b>Lee</b></a> today')).toBe('Ann Lee');
    expect(author('<div class="p-author h-card"><img alt=""> Ann</div> and others')).toBe('Ann');
    expect(author('<span class=p-author><a rel=author href=/>Ann</a></span>')).toBe('Ann');
    expect(author(`<div class="p-author">${'words '.repeat(40)}</div><a rel=author>Ann</a>`)).toBe('Ann');
  });

  test('the author of a comment on the page is not its author', () => {
    const html = '<div class="u-comment h-cite"><a class="p-author h-card">Troll</a></div>';
    expect(readPage(html, from).author).toBeNull();
  });

  test('a page may say that it is gone', () => {
    expect(readPage('<meta http-equiv="Status" content="410 Gone">', from).status410).toBe(true);
    expect(readPage('<meta http-equiv="status" content="200 OK">', from).status410).toBe(false);
    expect(readPage('<!--<meta http-equiv="status" content="410 Gone">-->', from).status410).toBe(false);
  });
});

describe('main text', () => {
  const text = (html: string) => readPage(html, from).text;

  test('is that of the article, else of main, else of the body', () => {
    expect(text('<p>a<main>b<article><header><h1>c</h1></header>d</article>e</main>f')).toBe('c\nd');
    expect(text('<p>a<main>b</main>c')).toBe('b');
    expect(text('<title>t</title><body><p>a<p>b<br>c')).toBe('a\nb c');
  });

  test('leaves out scripts, styles, forms and what frames a page', () => {
    expect(
      text(
        '<header>h</header><nav>n</nav><p>yes &lt;3</p><script>s</script><style>s</style><noscript>s</noscript>' +
          '<svg><text>s</text></svg><form>f<input></form><footer>f</footer><textarea>s</textarea><!-- c -->',
      ),
    ).toBe('yes <3');
  });

  test('is all of the page when a form frames everything', () => {
    expect(text('<body><form><p>words</p></form></body>')).toBe('words');
  });

  test('survives tags that are never closed or closed in the wrong order', () => {
    expect(text('<div><nav>menu</div><p>text')).toBe('text');
    expect(text('</p></div></body>a</article><b><i>b</b></i>c')).toBe('a\nbc');
    expect(text('<svg><path/><p>after an open svg')).toBe('after an open svg');
    expect(text('<svg><style>x</style><title>y</title></svg>after')).toBe('after');
  });

  test('XHTML: an empty script does not swallow the page', () => {
    expect(text('<?xml version="1.0"?><html><head><script src="x"/></head><body><p>text</p></body></html>')).toBe(
      'text',
    );
    expect(text('<?xml version="1.0"?><body><script src="x"/>text<nav/>more</body>')).toBe('text\nmore');
  });
});

describe('excerpt', () => {
  test('P16: is the text around the link, within its paragraph', () => {
    expect(excerpt(`<p>other</p><p>I read <a href="${target}">this <b>post</b></a>, and liked it.</p><p>more`)).toBe(
      '[…] I read this post, and liked it. […]',
    );
    expect(excerpt(`<ul><li>one<li><a href="${target}">two</a><li>three</ul>`)).toBe('[…] two […]');
  });

  test('P16: has at most 100 characters on each side, cut at words', () => {
    const html = `<p>${'before '.repeat(30)}<a href="${target}">link</a>${' after'.repeat(30)}`;
    expect(excerpt(html)).toBe(`[…] ${'before '.repeat(14)}link${' after'.repeat(16)} […]`);
  });

  test('P16: caps the text of the link at 100', () => {
    const html = `<a href="${target}">${'word '.repeat(100)}</a>`;
    expect(excerpt(html)).toBe(`[…] ${'word '.repeat(19)}word… […]`);
  });

  test('P16: leaves out script and style, and adds no spaces', () => {
    expect(excerpt(`前<style>x</style><script>y</script><a href="${target}">記事</a>後`)).toBe('[…] 前記事後 […]');
  });

  test('text without spaces is cut at 100 characters, never in half a character', () => {
    const excerpted = excerpt(`<p>${'😀'.repeat(90)}<a href="${target}">x</a>${'あ'.repeat(200)}`);
    expect(excerpted).toBe(`[…] ${'😀'.repeat(50)}x${'あ'.repeat(100)} […]`);
    expect(excerpt(`a${'😀'.repeat(90)}b<a href="${target}">x</a>`)).not.toMatch(/\p{Surrogate}/u);
  });

  test('is decoded, not escaped: escaping is for the output', () => {
    expect(excerpt(`&lt;b&gt; <a href="${target}">&amp;amp;</a>`)).toBe('[…] <b> &amp; […]');
  });

  test('is the beginning of the page when nothing stands near the link', () => {
    expect(excerpt(`<link href="${target}"><p>The page.</p>`)).toBe('[…] The page. […]');
    expect(excerpt(`<img src="${target}">`)).toBe('');
  });
});

describe('findLinkInText', () => {
  test('W7: JSON: a string value that equals the target, at any depth', () => {
    const json = (value: unknown) => findLinkInText(JSON.stringify(value), 'json', target);
    expect(json({ 'in-reply-to': target })).toBe(true);
    expect(json({ a: [{ b: [null, 1, target] }] })).toBe(true);
    expect(json({ a: 'HTTPS://target.example/post/1' })).toBe(true);
    expect(json({ [target]: 1 })).toBe(false);
    expect(json({ a: `${target}0`, b: `see ${target}`, c: `<a href="${target}">` })).toBe(false);
    expect(json(null)).toBe(false);
    expect(findLinkInText(`{"a":"${target}"`, 'json', target)).toBe(false);
    expect(findLinkInText(`{"a":"https:\\/\\/target.example\\/post\\/1"}`, 'json', target)).toBe(true);
  });

  test('S13: JSON of any nesting is read', () => {
    const depth = 200_000;
    expect(findLinkInText(`${'['.repeat(depth)}"${target}"${']'.repeat(depth)}`, 'json', target)).toBe(true);
    expect(findLinkInText('['.repeat(1_000_000), 'json', target)).toBe(false);
  });

  test('W8: text: an occurrence that is not part of a longer URL', () => {
    const text = (body: string) => findLinkInText(body, 'text', target);
    for (const body of [target, `see ${target}.`, `(${target})`, `<${target}>`, `a\n${target}\nb`, `${target}を見て`]) {
      expect(text(body), body).toBe(true);
    }
    const others = [
      `${target}0`,
      `${target}/x`,
      `${target}?x=1`,
      `https://e.example/?u=${target}`,
      `e.example/${target}`,
    ];
    for (const body of others) expect(text(body), body).toBe(false);
    expect(findLinkInText('https://target.example', 'text', 'https://target.example/')).toBe(true);
    expect(findLinkInText('x', 'text', 'x')).toBe(false);
  });
});

describe('S13: hostile pages are read up to the caps', () => {
  const end = `<a href="${target}">end</a>`;

  test('200 000 nested divs: what follows is still read', () => {
    const page = readPage(`<title>t</title>${'<div>'.repeat(200_000)}${end}`, from);
    expect(page).toMatchObject({ title: 't', text: 'end' });
    expect(findLink(page, target)).toMatchObject({ exact: true, link: { text: 'end' } });
  });

  test('40 000 formatting tags, open or crossed', () => {
    expect(readPage('<b><i>'.repeat(20_000) + end, from).text).toBe('end');
    expect(readPage('<b><i></b></i>'.repeat(20_000) + end, from).text).toBe('end');
  });

  test('a script below the cap on depth is no text', () => {
    expect(readPage(`${'<div>'.repeat(300)}<script>no</script>yes`, from).text).toBe('yes');
  });

  test('100 000 attributes: the first 64 are read', () => {
    const many = Array.from({ length: 100_000 }, (_, at) => `a${at}=1`).join(' ');
    expect(found(`<a href="${target}" ${many}>x</a>`)).toBe('exact');
    expect(found(`<a ${many} href="${target}">x</a>${end}`)).toBe('exact');
    expect(found(`<a ${many} href="${target}">x</a>`)).toBeNull();
    const counts: number[] = [];
    walkHtml<null>(`<a ${many}>`, {
      root: null,
      open: (_name, attributes) => {
        counts.push(attributes.size);
        return null;
      },
      end() {},
      text() {},
    });
    expect(counts).toEqual([64]);
  });

  test('unclosed quotes and comments swallow the rest and no more', () => {
    expect(found(`${end}<a href="${'x'.repeat(900_000)}`)).toBe('exact');
    expect(found(`${end}<!-- ${'<!-'.repeat(300_000)}`)).toBe('exact');
    expect(found(`<a title='${'x"'.repeat(400_000)}${end}`)).toBeNull();
  });

  test('1 MB of `<a `, of `<`, of `&` and of end tags', () => {
    expect(links('<a '.repeat(350_000))).toEqual([]);
    expect(readPage('<'.repeat(1_000_000), from).text).toHaveLength(1_000_000);
    expect(readPage('&'.repeat(1_000_000), from).text).toHaveLength(1_000_000);
    expect(found(`${'<b>'.repeat(300)}${'</i>'.repeat(200_000)}${end}`)).toBe('exact');
  });

  test('a title of 1 MB, closed or not', () => {
    expect(readPage(`<title>${'x '.repeat(500_000)}</title>`, from).title).toHaveLength(254);
    expect(readPage(`<title>${'<x'.repeat(500_000)}`, from).title).toHaveLength(255);
  });

  test('a srcset of commas and an endless text in one paragraph', () => {
    expect(links(`<img srcset="x${','.repeat(500_000)}y,">`)).toEqual([]);
    const page = readPage('x '.repeat(400_000) + '<a href=/a>b</a>'.repeat(2000), from);
    expect(page.links[1999]?.context.length).toBeLessThanOrEqual(201);
  });

  test('nothing is read beyond the cap on length', () => {
    expect(found(' '.repeat(1_048_576) + end)).toBeNull();
    expect(found(' '.repeat(1_000_000) + end)).toBe('exact');
  });

  test('names of prototypes are names like others', () => {
    expect(links('<constructor href=/x><a __proto__=1 constructor=2 href=/y></__proto__>')).toEqual([
      'https://source.example/y',
    ]);
  });

  test('no markup makes it throw, and texts come out clean', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...'<a href=/x>|</a>|<p>|</p>|<svg>|</svg>|<title>|</title>|<|>|<!--|-->|&#1;|&amp|"|\'|<body>|<img src=|/>|\0|\ud800|<base href=|<template>|<script>|</script>|<q cite="|<![CDATA[|]]>'.split(
          '|',
        ),
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const page = readPage(pieces.join(''), from);
        const all = [page.title ?? '', page.text, ...page.links.flatMap(({ text, context }) => [text, context])].join();
        expect(all).not.toMatch(/[\0-\x08\x0b-\x1f]|\p{Surrogate}/u);
        for (const { url } of page.links) expect(url).toMatch(/^https?:\/\//);
      }),
      { numRuns: 300 },
    );
  });
});
