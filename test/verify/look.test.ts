import { describe, expect, test } from 'vitest';
import type { FetchResult } from '../../src/safe-fetch.ts';
import { changedMuch, lookAt } from '../../src/verify/look.ts';

const target = 'http://blog.example/post';

function fetched(status: number, body: string, contentType: string | undefined = 'text/html'): FetchResult {
  const headers = contentType === undefined ? {} : { contentType };
  return {
    ok: true,
    url: 'http://alice.example/',
    status,
    headers,
    body: Buffer.from(body),
    truncated: false,
    hops: [],
    ms: 1,
  };
}

test('a page with the link gives title, excerpt and author', () => {
  const html = `<html><head><title>On bread</title><meta name="author" content="Alice"></head><p>I like <a href="${target}">this loaf</a> a lot.</p></html>`;
  expect(lookAt(fetched(200, html), target)).toEqual({
    found: 'link',
    page: {
      title: 'On bread',
      excerpt: '[…] I like this loaf a lot. […]',
      author: 'Alice',
      text: 'I like this loaf a lot.',
      loose: false,
      hidden: false,
      linkList: false,
    },
  });
});

test('a link that nobody sees is hidden, unless there is another one that is seen', () => {
  const hidden = `<div style="display: none"><p><a href="${target}">x</a></p></div>`;
  for (const html of [hidden, `<a hidden href="${target}">x</a>`]) {
    expect(lookAt(fetched(200, html), target)).toMatchObject({ found: 'link', page: { hidden: true } });
    expect(lookAt(fetched(200, `${html}<a href="${target}"><img></a>`), target)).toMatchObject({
      page: { hidden: false },
    });
  }
});

test('the text of a page that is plain text is what it says, clean', () => {
  const look = lookAt(fetched(200, `see\0 ${target} for more`, 'text/plain'), target);
  expect(look).toMatchObject({ page: { text: `see ${target} for more` } });
});

test('a page with more than 100 links to other hosts in its text is a list of links', () => {
  const links = (count: number, host = 'other.example') =>
    Array.from({ length: count }, (_, at) => `<li><a href="http://${host}/${at}">page ${at}</a>`).join('');
  const link = `<a href="${target}">x</a>`;
  const isLinkList = (html: string) => {
    const look = lookAt(fetched(200, html), target);
    return look.found === 'link' && look.page.linkList;
  };
  expect(isLinkList(link + links(100))).toBe(true);
  expect(isLinkList(link + links(99))).toBe(false);
  expect(isLinkList(link + links(500, 'alice.example'))).toBe(false);
  expect(isLinkList(`${link}<nav>${links(500)}</nav><ol id="comments">${links(500)}</ol>`)).toBe(false);
});

test('W30: a page without a title is called by its host', () => {
  expect(lookAt(fetched(200, `<a href="${target}">x</a>`), target)).toMatchObject({ page: { title: 'alice.example' } });
});

test('P15: a page with an error status is no page, even if it holds the link', () => {
  expect(lookAt(fetched(404, `<a href="${target}">x</a>`), target)).toMatchObject({
    found: 'unreachable',
    final: false,
  });
  expect(lookAt(fetched(500, `<a href="${target}">x</a>`), target)).toMatchObject({
    found: 'unreachable',
    final: false,
  });
});

test('W10: 410 means that the source is gone, in the status or in the head of the page', () => {
  expect(lookAt(fetched(410, ''), target)).toEqual({ found: 'gone' });
  expect(lookAt(fetched(200, '<meta http-equiv="status" content="410 Gone">'), target)).toEqual({ found: 'gone' });
});

describe('W7: what counts as a link depends on the media type', () => {
  test.each([
    ['application/json', JSON.stringify({ a: [{ url: target }] }), 'link'],
    ['application/activity+json', JSON.stringify({ inReplyTo: target }), 'link'],
    ['application/json', JSON.stringify({ text: `see ${target}` }), 'no_link'],
    ['text/plain; charset=utf-8', `see ${target} for more`, 'link'],
    ['text/plain', `see ${target}er`, 'no_link'],
    ['image/png', target, 'no_link'],
    ['text/html', `<!-- <a href="${target}"> --> ${target}`, 'no_link'],
    ['application/xhtml+xml', `<a href="${target}">x</a>`, 'link'],
    [undefined, `<a href="${target}">x</a>`, 'link'],
  ])('%s %s: %s', (contentType, body, found) =>
    expect(lookAt(fetched(200, body, contentType), target).found).toBe(found),
  );
});

test('W8: a link that differs in scheme, fragment or slash only is taken, and marked as loose', () => {
  for (const href of ['https://blog.example/post', `${target}/`, `${target}#comments`]) {
    expect(lookAt(fetched(200, `<a href="${href}">x</a>`), target)).toMatchObject({
      found: 'link',
      page: { loose: true },
    });
  }
});

test.each([
  ['forbidden_address', true],
  ['bad_redirect', true],
  ['too_many_redirects', true],
  ['timeout', false],
  ['unresolvable', false],
  ['refused', false],
] as const)('a fetch that failed with %s is final: %s', (reason, final) => {
  expect(lookAt({ ok: false, reason, detail: 'x', hops: [], ms: 1 }, target)).toMatchObject({
    found: 'unreachable',
    final,
  });
});

test('a text that keeps most of its words has not changed much, one that keeps few has', () => {
  expect(changedMuch('a loaf of good bread', 'a loaf of very good bread!')).toBe(false);
  expect(changedMuch('', '')).toBe(false);
  expect(changedMuch('a loaf of good bread', 'win free spins at our casino today')).toBe(true);
  expect(changedMuch('ein gutes Brot', '')).toBe(true);
});
