import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readConfig, settings } from '../src/config.ts';

test('every setting has a default that is valid, so an empty environment is enough', () => {
  expect(readConfig({})).toMatchObject({ HOST: '127.0.0.1', PORT: 8080, SITES: [], DATABASE_URL: undefined });
});

test('an empty variable counts as unset', () => {
  expect(readConfig({ PORT: '', ADMIN_TOKEN: '' })).toMatchObject({ PORT: 8080, ADMIN_TOKEN: undefined });
});

test('all wrong settings are named at once, each with what is wrong', () => {
  const read = () => readConfig({ PORT: 'eighty', SITES: 'ftp://blog.example', VERIFY_ATTEMPTS: '0' });
  expect(read).toThrow(/PORT must be a whole number from 0 to 65535 \(it is "eighty"\)/);
  expect(read).toThrow(/SITES must be an http or https URL/);
  expect(read).toThrow(/VERIFY_ATTEMPTS .*"0"/);
});

test('an admin token that no header could carry is refused', () => {
  expect(() => readConfig({ ADMIN_TOKEN: 'a token of four words' })).toThrow(/ADMIN_TOKEN .* without blanks/);
});

test('a secret that is wrong is not repeated', () => {
  expect(() => readConfig({ ADMIN_TOKEN: 'too short' })).toThrow(
    /ADMIN_TOKEN must have 16 to 200 characters.* \(it is not shown\)/,
  );
  expect(() => readConfig({ DATABASE_URL: 'mysql://me:secret@host/db' })).not.toThrow(/secret/);
  expect(() => readConfig({ DATABASE_URL: 'mysql://me:secret@host/db' })).toThrow(/DATABASE_URL/);
});

test('the table in the README is what the settings say', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const rows = Object.entries(settings).map(
    ([name, { default: value, doc }]) => `| \`${name}\` | ${value ? `\`${value}\`` : ''} | ${doc} |`,
  );
  const table = readme.split('\n').filter((line) => /^\| `[A-Z_]+` \|/.test(line));
  expect(table).toEqual(rows);
});
