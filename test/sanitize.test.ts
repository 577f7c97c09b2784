// S14 and D2: what strangers wrote, as it may be shown.
import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { describe, expect, test } from 'vitest';
import { commentHtml, plainText } from '../src/sanitize.ts';
import { parseHttpUrl } from '../src/url.ts';

const rel = 'rel="nofollow ugc noopener"';

/** Every start tag of some HTML, read anew. */
function tags(html: string): { name: string; attributes: Record<string, string> }[] {
  const seen: { name: string; attributes: Record<string, string> }[] = [];
  new Parser({ onopentag: (name, attributes) => seen.push({ name, attributes: { ...attributes } }) }).end(html);
  return seen;
}

const allowed = new Set('a b blockquote br code del em i li ol p pre q strong ul'.split(' '));

/** Fails unless HTML holds nothing but the allowed elements and safe links. */
function expectSafe(html: string): void {
  expect(html.toLowerCase()).not.toContain('<script');
  for (const { name, attributes } of tags(html)) {
    expect(allowed).toContain(name);
    expect(Object.keys(attributes).sort()).toEqual(name === 'a' ? ['href', 'rel'] : []);
    if (name !== 'a') continue;
    expect(new URL(attributes.href ?? '').protocol).toMatch(/^https?:$/);
    expect(attributes.rel).toBe('nofollow ugc noopener');
  }
}

describe('plain text', () => {
  test('gets paragraphs from blank lines and breaks from newlines', () => {
    expect(commentHtml('one\ntwo\r\n\r\n  \nthree\n')).toBe('<p>one<br>two</p><p>three</p>');
    expect(commentHtml('  \n ')).toBe('');
  });

  test('is shown as it was typed', () => {
    expect(commentHtml('AT&T &amp; "x" < y > z <3')).toBe(
      '<p>AT&amp;T &amp;amp; &quot;x&quot; &lt; y &gt; z &lt;3</p>',
    );
    expect(commentHtml('a\0b\ud800')).toBe('<p>ab\ufffd</p>');
  });

  test('has its URLs linked, without the punctuation that follows', () => {
    expect(commentHtml('See https://a.example/x?a=1&copy=2, (http://b.example).')).toBe(
      `<p>See <a href="https://a.example/x?a=1&amp;copy=2" ${rel}>https://a.example/x?a=1&amp;copy=2</a>, ` +
        `(<a href="http://b.example/" ${rel}>http://b.example</a>).</p>`,
    );
  });

  test('S14: URLs that are not http or hold quotes or credentials make no trouble', () => {
    expect(commentHtml('javascript:alert(1) ftp://a.example data:text/html,x')).not.toContain('<a');
    expect(commentHtml('https://user:pass@a.example/')).not.toContain('<a');
    expectSafe(commentHtml('https://a.example/"onmouseover="alert(1) https://a.example/\'x'));
  });
});

describe('simple HTML', () => {
  test('keeps the allowed elements', () => {
    const html =
      '<p>a <b>b</b> <i>c</i> <em>d</em> <strong>e</strong> <code>f</code> <q>g</q> <del>h</del><br>i</p>' +
      '<blockquote>j</blockquote><pre>k\n\nl</pre><ul><li>m</li></ul><ol><li>n</li></ol>';
    expect(commentHtml(html)).toBe(html);
  });

  test('D2: gives every link its rel and nothing else', () => {
    expect(
      commentHtml('<a href="HTTP://A.example" rel=me target=_top class=x onclick=y id=z style=w title=t>x</a>'),
    ).toBe(`<p><a href="http://a.example/" ${rel}>x</a></p>`);
  });

  test('drops links that are not absolute http, and keeps their text', () => {
    for (const href of [
      '/x',
      '//a.example/',
      'mailto:a@b.example',
      'javascript:x',
      'https://u:p@a.example/',
      '#x',
      '',
    ]) {
      expect(commentHtml(`a <a href="${href}">b</a> c`), href).toBe('<p>a b c</p>');
    }
    expect(commentHtml('<a name=x>b</a>')).toBe('<p>b</p>');
  });

  test('gets paragraphs and breaks outside its own blocks', () => {
    expect(commentHtml('I <b>agree</b>\nfully\n\nbut <i>no</i>')).toBe(
      '<p>I <b>agree</b><br>fully</p><p>but <i>no</i></p>',
    );
    expect(commentHtml('<b>one\n\ntwo</b> three')).toBe('<p><b>one</b></p><p>two three</p>');
    expect(commentHtml('<p>one\ntwo</p>\n\n<p>three</p>')).toBe('<p>one\ntwo</p>\n\n<p>three</p>');
    expect(commentHtml('Hi,\n\n<blockquote>q\nr</blockquote>\n\nreply\n<ul><li>a\n\n<li>b</ul>end')).toBe(
      '<p>Hi,</p><blockquote>q\nr</blockquote><p>reply</p><ul><li>a\n\n</li><li>b</li></ul><p>end</p>',
    );
  });

  test('what only looks like a tag is text', () => {
    expect(commentHtml('a vector<int> and <https://a.example/>')).toBe(
      `<p>a vector&lt;int&gt; and &lt;<a href="https://a.example/" ${rel}>https://a.example/</a>&gt;</p>`,
    );
    expect(commentHtml('<b>no</b> <custom-tag onclick=x> <?php 1<2 </int>')).toBe(
      '<p><b>no</b> &lt;custom-tag onclick=x&gt; &lt;?php 1&lt;2 &lt;/int&gt;</p>',
    );
  });

  test('has its URLs linked, but not within links and code', () => {
    expect(commentHtml('<i>https://a.example/?a&amp;b</i>')).toBe(
      `<p><i><a href="https://a.example/?a&amp;b" ${rel}>https://a.example/?a&amp;b</a></i></p>`,
    );
    expect(commentHtml('<code>https://a.example/</code>')).toBe('<p><code>https://a.example/</code></p>');
    expect(commentHtml('<a href="https://a.example/">https://b.example/</a>').match(/<a /g)).toHaveLength(1);
  });

  test('decodes once and escapes once', () => {
    expect(commentHtml('<b>&lt;script&gt; &amp;amp; &eacute;</b>')).toBe('<p><b>&lt;script&gt; &amp;amp; é</b></p>');
  });

  test('drops other elements: scripts and styles with their text, the rest without', () => {
    expect(
      commentHtml('<div class=x><h1>a</h1><span>b</span></div><script>c</script><style>d</style><img src=x>'),
    ).toBe('<p>ab</p>');
    expect(commentHtml('<script>x</script>')).toBe('');
    expect(commentHtml('a<!-- b -->c')).toBe('<p>ac</p>');
  });
});

describe('S14: hostile comments', () => {
  test.each([
    '<script>alert(1)</script>',
    '<scr<script>ipt>alert(1)</scr</script>ipt>',
    '<ScRiPt src=//evil.example/x.js></sCrIpT>',
    '<script/x>alert(1)</script>',
    '<<script>alert(1)//<</script>',
    '<img src=x onerror=alert(1)>',
    '<img/src="x"/onerror=alert(1)>',
    '<b onmouseover=alert(1)>x</b>',
    '<b\nonclick\n=\nalert(1)>x',
    '<p style="background:url(javascript:alert(1))" class=x id=submissions>x</p>',
    '<svg><script>alert(1)</script></svg>',
    '<svg/onload=alert(1)>',
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    '<math><mi xlink:href="javascript:alert(1)">x</mi></math>',
    '<form action=//evil.example><input name=csrf><button>x</button></form>',
    '<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>',
    '<iframe><p title="</iframe><img src=x onerror=alert(1)>">',
    '<object data="data:text/html,<script>alert(1)</script>"></object>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="&#106;&#97;vascript:alert(1)">x</a>',
    '<a href="java&#10;script:alert(1)">x</a>',
    '<a href="java&Tab;script&colon;alert(1)">x</a>',
    '<a href=" &#1; javascript:alert(1)">x</a>',
    '<a href="vbscript:x">x</a><a href="data:text/html,x">y</a>',
    '<a href="https://a.example/" href="javascript:alert(1)" onclick=x>x</a>',
    '<a href="https://a.example/&quot; onclick=&quot;alert(1)">x</a>',
    '<a href=\'https://a.example/" onclick="alert(1)\'>x</a>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<xmp><img src=x onerror=alert(1)></xmp>',
    '<textarea></textarea><script>alert(1)</script>',
    '<textarea>&lt;/textarea&gt;&lt;script&gt;</textarea>',
    '<option>&lt;script&gt;alert(1)&lt;/script&gt;</option>',
    '<plaintext><script>alert(1)</script>',
    '<title><img src=x onerror=alert(1)></title>',
    '<noembed><img src=x onerror=alert(1)></noembed>',
    '<template><script>alert(1)</script></template>',
    '<base href="javascript:/a/-alert(1)//"><meta http-equiv=refresh content="0;url=javascript:x"><link rel=stylesheet>',
    '<!--><script>alert(1)</script>-->',
    '<!--[if gte IE 4]><script>alert(1)</script><![endif]-->',
    '<![CDATA[<script>alert(1)</script>]]>',
    '<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
    '<b>&lt;img src=x onerror=alert(1)&gt;</b>',
    '<i>https://a.example/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</i>',
    '<i>https://a.example/\n\n<b onclick=x>',
    '</p></div><p onclick=x',
    '<a href="https://a.example/"><a href="javascript:x">y</a></a>',
    '<table background="javascript:x"><td>x</table>',
    '\u003cscript\u003e\u2028alert(1)</script >',
  ])('%s', (comment) => expectSafe(commentHtml(comment)));

  test('arbitrary strings come out safe', () => {
    const words =
      '<script>|</script>|<a href="|<a href=javascript:|">|\'>|</a>|<b|<b>|</b>| onclick=|<p>|</p>|<pre>|</pre>|<svg>|<math>|<style>|</style>|<title>|<textarea>|<xmp>|<!--|-->|&lt;|&#x3c;|&quot;|&|"|\'|<|>|\n|\n\n|https://a.example/|http://|javascript:|\0|\ud800'.split(
        '|',
      );
    const text = fc
      .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...words) }, fc.string()), { maxLength: 30 })
      .map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, (comment) => expectSafe(commentHtml(comment))),
      { numRuns: 1500 },
    );
  });

  test('S13: too deep a nesting is shown as text', () => {
    const deep = '<b>'.repeat(300);
    expect(commentHtml(`${deep}x`)).toBe(`<p>${'&lt;b&gt;'.repeat(300)}x</p>`);
    expect(tags(commentHtml('<div>'.repeat(200_000)))).toEqual([{ name: 'p', attributes: {} }]);
    expect(commentHtml(`${'<p>'.repeat(300)}x`)).toBe('<p>x</p>');
    expect(commentHtml(`${'<b>'.repeat(200)}x`)).toContain('<b>x</b>');
  });

  test('S13: a comment is shown up to 65 536 characters', () => {
    expect(commentHtml('x'.repeat(1_000_000))).toHaveLength(65_536 + '<p></p>'.length);
  });
});

describe('plainText', () => {
  test('gives the text of a fragment, paragraphs divided by newlines', () => {
    expect(plainText('<p>one <b>two</b><br>three &amp;amp; <script>x</script></p><ul><li>four')).toBe(
      'one two\nthree &amp;\nfour',
    );
    expect(plainText('no tags, 1 < 2')).toBe('no tags, 1 < 2');
    expect(plainText('<style>x')).toBe('');
  });

  test('S13: takes any nesting', () => {
    expect(plainText(`${'<div>'.repeat(200_000)}x`)).toBe('x');
  });
});

describe('parseHttpUrl', () => {
  test('gives the WHATWG form of http and https URLs', () => {
    expect(parseHttpUrl(' HTTP://A.example ')?.href).toBe('http://a.example/');
    expect(parseHttpUrl('https://bücher.example/é?q="')?.href).toBe('https://xn--bcher-kva.example/%C3%A9?q=%22');
  });

  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    '&#106;avascript:alert(1)',
    'javascript&colon;alert(1)',
    'javascript://https://a.example/%0aalert(1)',
    'data:text/html,<script>',
    'vbscript:x',
    'view-source:https://a.example/',
    'blob:https://a.example/x',
    'mailto:a@b.example',
    'ftp://a.example/',
    'file:///etc/passwd',
    'https://user@a.example/',
    'https://user:pass@a.example/',
    'https://',
    'http://[',
    '/path',
    '//a.example/',
    'a.example',
    '',
  ])('S14: refuses %j', (url) => expect(parseHttpUrl(url)).toBeNull());
});
