import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));

interface Import {
  file: string;
  /** Path below src, or the name of a package. */
  target: string;
  isLocal: boolean;
  typesOnly: boolean;
}

const rooms = ['receive', 'verify', 'judge', 'moderate', 'deliver'];
/** Files that put the parts together; they alone may import rooms. */
const composers = ['main.ts', 'service.ts', 'routes.ts', 'demo.ts'];
const imports = await readImports();
const roomOf = (path: string) => rooms.find((room) => path.startsWith(`${room}/`));
const show = ({ file, target }: Import) => `${file} -> ${target}`;

async function readImports(): Promise<Import[]> {
  const files = (await readdir(src, { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.d.ts'),
  );
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(src, file), 'utf8');
      return [
        ...text.matchAll(/^(?:import|export)\s+(type\s+)?([^'"]*?)\s*from\s+'([^']+)'|\bimport\('([^']+)'\)/gm),
      ].map((match): Import => {
        const [, type, names = '', from, dynamic] = match;
        const specifier = from ?? dynamic ?? '';
        const isLocal = specifier.startsWith('.');
        const inner = names
          .replace(/^\{|\}$/g, '')
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '');
        const typesOnly =
          type !== undefined || (names.startsWith('{') && inner.every((name) => name.startsWith('type ')));
        return { file, target: isLocal ? normalize(join(dirname(file), specifier)) : specifier, isLocal, typesOnly };
      });
    }),
  );
  return found.flat();
}

test('the imports were found', () => {
  expect(imports.length).toBeGreaterThan(100);
  expect(imports.filter((one) => one.isLocal).map(({ target }) => target)).toContain('submission.ts');
});

test('submission.ts imports nothing', () => {
  expect(imports.filter(({ file }) => file === 'submission.ts').map(show)).toEqual([]);
});

test('a room never imports another room, types excepted', () => {
  const crossing = imports.filter(({ file, target, isLocal, typesOnly }) => {
    const [from, to] = [roomOf(file), roomOf(target)];
    return isLocal && !typesOnly && from !== undefined && to !== undefined && from !== to;
  });
  expect(crossing.map(show)).toEqual([]);
});

test('arrows never turn back: rooms know no composer, and what is below the rooms knows no room', () => {
  const backward = imports.filter(({ file, target, isLocal, typesOnly }) => {
    if (!isLocal || typesOnly) return false;
    if (target === 'app.ts' || composers.includes(target))
      return !composers.includes(file) && !file.startsWith('commands/');
    return (
      roomOf(target) !== undefined &&
      roomOf(file) === undefined &&
      !composers.includes(file) &&
      !file.startsWith('commands/')
    );
  });
  expect(backward.map(show)).toEqual([]);
});

test('db/ stands below the rooms: it imports only itself and pure files', () => {
  const allowed = ['submission.ts', 'url.ts'];
  const outward = imports.filter(
    ({ file, target, isLocal }) =>
      file.startsWith('db/') && isLocal && !target.startsWith('db/') && !allowed.includes(target),
  );
  expect(outward.map(show)).toEqual([]);
});

test('database packages are imported in db/ only', () => {
  const outside = imports.filter(
    ({ file, target }) => /^(drizzle-orm|postgres$|@electric-sql\/)/.test(target) && !file.startsWith('db/'),
  );
  expect(outside.map(show)).toEqual([]);
});

test('xmlrpc is imported in one file, and natural in one file by subpath', () => {
  const of = (name: string) => imports.filter(({ target }) => target === name || target.startsWith(`${name}/`));
  expect([...new Set(of('xmlrpc').map(({ file }) => file))]).toEqual(['receive/xml-rpc.ts']);
  expect([...new Set(of('natural').map(({ file }) => file))]).toEqual(['judge/language.ts']);
  expect(of('natural').filter(({ target }) => target === 'natural')).toEqual([]);
});

test('undici is imported by the safe fetch only', () => {
  expect(
    imports.filter(({ file, target }) => target.startsWith('undici') && file !== 'pinned-get.ts').map(show),
  ).toEqual([]);
});

test('process.env is read in config.ts only', async () => {
  const reading = [];
  for (const file of new Set(imports.map((one) => one.file))) {
    if (/process\.env\b/.test(await readFile(join(src, file), 'utf8'))) reading.push(file);
  }
  expect(reading).toEqual(['config.ts']);
});
