// The command `demo`: plays a page against a service of its own and prints what happens.
import { builtInPage, playDemo } from '../demo.ts';
import { loggable } from '../log.ts';

const [file = builtInPage, ...rest] = process.argv.slice(2);
if (rest.length > 0 || file.startsWith('-')) {
  process.stderr.write(
    'usage: npm run demo [-- FILE]\nFILE is a page as JSON; without it the page of test/fixtures/page.json is played.\n',
  );
  process.exitCode = 2;
} else {
  await playDemo(file, (line) => process.stdout.write(`${line}\n`)).catch((error: unknown) => {
    process.stderr.write(`${loggable(error).error}\n`);
    process.exitCode = 1;
  });
}
