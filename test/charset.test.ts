// T4 to T6 and the decoding of pages: what a charset is when it is declared, wrong, or left to guess.
import { describe, expect, test } from 'vitest';
import { charsetParameter, decodeForm, decodeHtml, decodeText } from '../src/charset.ts';

const formType = 'application/x-www-form-urlencoded';

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function form(body: string, contentType: string | undefined = formType) {
  const decoded = decodeForm(latin1(body), contentType);
  return decoded.ok ? { ...Object.fromEntries(decoded.fields), '(charset)': decoded.charset } : decoded.reason;
}

describe('decodeForm', () => {
  test('T5: decodes on bytes, by the charset of Content-Type', () => {
    expect(form('title=Caf%E9', `${formType}; charset=ISO-8859-1`)).toEqual({
      title: 'Café',
      '(charset)': 'windows-1252',
    });
    expect(form('title=%93%FA%96%7B', `${formType}; charset="Shift_JIS"`)).toMatchObject({ title: '日本' });
    expect(form('title=%C6%FC%CB%DC', `${formType}; charset=EUC-JP`)).toMatchObject({ title: '日本' });
    expect(form('title=%CF%F0%E8%E2%E5%F2', `${formType}; charset=windows-1251`)).toMatchObject({ title: 'Привет' });
    expect(form('title=%1B%24B%46%7C%4B%5C%1B%28B', `${formType};charset=iso-2022-jp`)).toMatchObject({
      title: '日本',
    });
  });

  test('T4: Content-Type rules over the form field, and the field over a guess', () => {
    expect(form('title=%E9&charset=utf-8', `${formType}; charset=iso-8859-1`)).toMatchObject({ title: 'é' });
    expect(form('title=%EF%F0&charset=koi8-r')).toMatchObject({ title: 'ОП' });
    expect(form('_charset_=windows-1251&title=%CF')).toMatchObject({ title: 'П' });
    expect(form('charset=+&title=%C3%A9')).toMatchObject({ title: 'é', '(charset)': 'utf-8' });
  });

  test('T4: names of charsets that PHP uses are understood', () => {
    expect(form('title=%93%FA%96%7B&charset=SJIS-win')).toMatchObject({ title: '日本' });
    expect(form('title=%C6%FC%CB%DC&charset=eucJP-win')).toMatchObject({ title: '日本' });
  });

  test('T4: without a charset, UTF-8 if the bytes are valid', () => {
    expect(form('title=%E6%97%A5%E6%9C%AC+%26+%C3%A9')).toEqual({ title: '日本 & é', '(charset)': 'utf-8' });
    expect(form('title=plain')).toMatchObject({ '(charset)': 'utf-8' });
  });

  test('T4: without a charset and not UTF-8, Japanese if it reads as such', () => {
    // "これはテストです" in Shift_JIS, EUC-JP and JIS.
    expect(form('t=%82%B1%82%EA%82%CD%83%65%83%58%83%67%82%C5%82%B7')).toEqual({
      t: 'これはテストです',
      '(charset)': 'shift_jis',
    });
    expect(form('t=%A4%B3%A4%EC%A4%CF%A5%C6%A5%B9%A5%C8%A4%C7%A4%B9')).toEqual({
      t: 'これはテストです',
      '(charset)': 'euc-jp',
    });
    expect(form('t=%1B$B$3$l$O%1B(B&url=https://a.example/')).toMatchObject({
      t: 'これは',
      '(charset)': 'iso-2022-jp',
    });
    expect(form('title=%93%FA%96%7B&url=https://a.example/')).toMatchObject({ title: '日本' });
  });

  test('T4: otherwise windows-1252, with its quotes and its euro', () => {
    expect(form('t=it%92s+%80+5+d%E9j%E0+vu')).toEqual({ t: 'it’s € 5 déjà vu', '(charset)': 'windows-1252' });
    expect(form('t=%93quoted%94+%96+na%EFve')).toMatchObject({ t: '“quoted” – naïve' });
    expect(form('t=%E9crit+par+%C9l%E9onore')).toMatchObject({ t: 'écrit par Éléonore' });
    expect(form('t=caf%E9')).toMatchObject({ t: 'café' });
  });

  test('a text cut within its last character loses only that', () => {
    expect(form('t=%E6%97%A5%E6%9C')).toMatchObject({ t: '日', '(charset)': 'utf-8' });
    expect(form('t=%93%FA%96', `${formType}; charset=shift_jis`)).toMatchObject({ t: '日' });
  });

  test('T6: UTF-7 is refused in any case and either place', () => {
    expect(form('t=%2BADw-', `${formType}; charset=UTF-7`)).toBe('unknown_charset');
    expect(form('t=x&charset=utf-7')).toBe('unknown_charset');
    expect(form('t=x&charset=Utf7', `${formType}; charset=utf-8`)).toBe('unknown_charset');
    expect(form('t=x&charset=unicode-1-1-utf-7')).toBe('unknown_charset');
  });

  test('T6: an unknown charset is refused, and never an exception', () => {
    for (const label of ['klingon', 'replacement', 'utf-16', 'utf-16be', 'hz-gb-2312', '\u0000']) {
      expect(form('t=x', `${formType}; charset=${label}`), label).toBe('unknown_charset');
    }
  });

  test('bytes that do not keep to the declared charset are refused', () => {
    expect(form('t=caf%E9+au+lait', `${formType}; charset=utf-8`)).toBe('malformed');
  });

  test('malformed percent signs stay as they are', () => {
    expect(form('a=100%&b=%zz&c=%4&d=%%41&e=%4g')).toMatchObject({ a: '100%', b: '%zz', c: '%4', d: '%A', e: '%4g' });
  });

  test('the first field of a name wins; names are decoded; empty parts are nothing', () => {
    expect(form('&&a=1&a=2&b&=x&c=1=2&%64+e=+&__proto__=p')).toEqual(
      Object.assign(Object.create(null), {
        a: '1',
        b: '',
        '': 'x',
        c: '1=2',
        'd e': ' ',
        '(charset)': 'utf-8',
        ...Object.fromEntries([['__proto__', 'p']]),
      }),
    );
  });

  test('a form of more than 1000 fields is refused', () => {
    expect(form('a=1&'.repeat(1000))).toMatchObject({ a: '1' });
    expect(form('a=1&'.repeat(1001))).toBe('too_many_fields');
    expect(form('&'.repeat(100_000))).toEqual({ '(charset)': 'utf-8' });
  });
});

describe('decodeText', () => {
  test('by the declared charset, strictly', () => {
    expect(decodeText(latin1('Caf\xe9'), 'latin1')).toEqual({ ok: true, text: 'Café', charset: 'windows-1252' });
    expect(decodeText(latin1('Caf\xe9'), 'utf-8')).toEqual({ ok: false, reason: 'malformed' });
    expect(decodeText(latin1('\x80'), 'windows-1252')).toMatchObject({ text: '€' });
  });

  test('by UTF-8 when nothing is declared', () => {
    expect(decodeText(latin1('\xc3\xa9'))).toEqual({ ok: true, text: 'é', charset: 'utf-8' });
    expect(decodeText(latin1('\xe9'), null)).toEqual({ ok: false, reason: 'malformed' });
    expect(decodeText(new Uint8Array(), '')).toEqual({ ok: true, text: '', charset: 'utf-8' });
  });

  test('by its byte order mark before all', () => {
    expect(decodeText(latin1('\xff\xfeA\0'), 'utf-8')).toMatchObject({ text: 'A', charset: 'utf-16le' });
    expect(decodeText(latin1('\xfe\xff\0A'))).toMatchObject({ text: 'A', charset: 'utf-16be' });
    expect(decodeText(latin1('\xef\xbb\xbfA'), 'shift_jis')).toMatchObject({ text: 'A', charset: 'utf-8' });
  });

  test('T6: not by UTF-7 and not by an unknown charset', () => {
    expect(decodeText(latin1('a'), 'utf-7')).toEqual({ ok: false, reason: 'unknown_charset' });
    expect(decodeText(latin1('a'), 'x-nothing')).toEqual({ ok: false, reason: 'unknown_charset' });
  });
});

describe('decodeHtml', () => {
  test('the HTTP charset rules over the page, the byte order mark over both', () => {
    const page = '<meta charset=koi8-r>\xcf';
    expect(decodeHtml(latin1(page), 'text/html; charset=windows-1251').text).toContain('П');
    expect(decodeHtml(latin1(`\xef\xbb\xbf${page}`), 'text/html; charset=windows-1251').charset).toBe('utf-8');
    expect(decodeHtml(latin1(page), 'text/html').text).toContain('о');
  });

  test('the charset of a page is read from its first 1024 bytes', () => {
    const japanese = '\x93\xfa\x96\x7b';
    const pages = [
      `<meta charset="Shift_JIS">${japanese}`,
      `<META http-equiv='Content-Type' content='text/html; charset=x-sjis'>${japanese}`,
      `<?xml version="1.0" encoding="Shift_JIS"?><html>${japanese}`,
      `<meta name=description content="charset=utf-8"><meta charset=shift_jis>${japanese}`,
      `<!-- <meta charset=utf-8> --><meta charset=sjis>${japanese}`,
      `<meta charset=nonsense><meta charset=sjis>${japanese}`,
    ];
    for (const page of pages) expect(decodeHtml(latin1(page), 'text/html').text, page).toContain('日本');
    const late = `${' '.repeat(1024)}<meta charset=shift_jis>${japanese}`;
    expect(decodeHtml(latin1(late), null).charset).toBe('windows-1252');
  });

  test('a page without a charset is UTF-8 if valid, even if its end was cut, else windows-1252', () => {
    expect(decodeHtml(latin1('<p>\xc3\xa9'), undefined)).toEqual({ text: '<p>é', charset: 'utf-8' });
    expect(decodeHtml(latin1('<p>\xc3\xa9\xe6\x97'), undefined)).toEqual({ text: '<p>é', charset: 'utf-8' });
    expect(decodeHtml(latin1('<p>\xe9\x80'), undefined)).toEqual({ text: '<p>é€', charset: 'windows-1252' });
  });

  test('a page always gives text: unknown labels and UTF-7 are passed over, wrong bytes replaced', () => {
    expect(decodeHtml(latin1('\xc3\xa9'), 'text/html; charset=klingon')).toEqual({ text: 'é', charset: 'utf-8' });
    expect(decodeHtml(latin1('+ADw-script'), 'text/html; charset=utf-7').text).toBe('+ADw-script');
    expect(decodeHtml(latin1('<meta charset=utf-7>+ADw-'), null).text).toContain('+ADw-');
    expect(decodeHtml(latin1('a\xe9b'), 'text/html; charset=utf-8').text).toBe('a\ufffdb');
    expect(decodeHtml(latin1('<meta charset=utf-16le>\xc3\xa9'), null).text).toContain('é');
  });
});

test('charsetParameter reads quoted and unquoted values', () => {
  expect(charsetParameter('text/html; Charset = "utf-8"; x=y')).toBe('utf-8');
  expect(charsetParameter('text/html;charset=koi8-r')).toBe('koi8-r');
  expect(charsetParameter('text/html')).toBeUndefined();
  expect(charsetParameter(undefined)).toBeUndefined();
});
