import { expect, test } from 'vitest';
import { baseKey, isUnder, maxUrlLength, parseHttpUrl, parsePingUrl, sourceKey, targetKey } from '../src/url.ts';

const key = (text: string) => targetKey(new URL(text));

test.each([
  ['https://Blog.Example/post', 'http://blog.example/post'],
  ['https://blog.example/post/', 'https://blog.example/post'],
  ['https://blog.example/post#comments', 'https://blog.example/post'],
  ['https://blog.example:443/post', 'http://blog.example:80/post'],
  ['https://blog.example/post?replytocom=7', 'https://blog.example/post'],
  ['https://blog.example/?p=1&replytocom=7', 'https://blog.example/?p=1'],
  ['https://blog.example', 'https://blog.example/'],
  ['https://bücher.example/é', 'https://xn--bcher-kva.example/%C3%A9'],
])('%s and %s are one target', (one, other) => expect(key(one)).toBe(key(other)));

test.each([
  ['https://blog.example/post', 'https://www.blog.example/post'],
  ['https://blog.example/post', 'https://blog.example:8443/post'],
  ['https://blog.example/post', 'https://blog.example/Post'],
  ['https://blog.example/?p=1', 'https://blog.example/?p=10'],
  ['https://blog.example/?replytocomment=1', 'https://blog.example/'],
])('%s and %s are two targets', (one, other) => expect(key(one)).not.toBe(key(other)));

test('a base covers its path and what lies under it by whole segments, on its own host and port only', () => {
  const base = baseKey(new URL('https://blog.example/notes/'));
  const covers = (text: string) => isUnder(base, new URL(text));
  expect(
    ['https://blog.example/notes', 'http://blog.example/notes/', 'https://blog.example/notes/1?x#y'].map(covers),
  ).toEqual([true, true, true]);
  expect(
    [
      'https://blog.example/notesbook',
      'https://blog.example/',
      'https://evil.example/blog.example/notes/',
      'https://blog.example:81/notes',
    ].map(covers),
  ).toEqual([false, false, false, false]);
});

test('a base without a path covers its whole host', () => {
  expect(isUnder(baseKey(new URL('https://blog.example')), new URL('https://blog.example/any/post'))).toBe(true);
});

test.each([
  'ftp://a.example/',
  'javascript:alert(1)',
  '//a.example/',
  'a.example',
  'http://',
  'http://u:p@a.example/',
  '',
  `http://a.example/${'x'.repeat(maxUrlLength)}`,
])('%s is not accepted', (text) => expect(parseHttpUrl(text)).toBeNull());

test('a URL is refused for its length after serialisation too', () => {
  expect(parseHttpUrl(`http://a.example/${'é'.repeat(maxUrlLength / 3)}`)).toBeNull();
});

test('URLs with letters beyond ASCII parse however often one asks', () => {
  const refused = Array.from({ length: 20_000 }, (_, n) => parseHttpUrl(`https://bücher.example/é${n}`)).filter(
    (url) => url === null,
  );
  expect(refused).toHaveLength(0);
});

test('P17: an ampersand that was escaped once too often is read as one', () => {
  expect(parsePingUrl('http://a.example/?a=1&amp;b=2')?.href).toBe('http://a.example/?a=1&b=2');
});

test('a source is known by its page, not by a place on it', () => {
  expect(sourceKey(new URL('http://a.example/x#one'))).toBe(sourceKey(new URL('http://A.example/x#two')));
});
