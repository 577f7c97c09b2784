// The process: settings from the environment, a greeting on the first start, and a graceful end on SIGTERM and SIGINT.
import { type Config, readConfig } from './config.ts';
import { loggable } from './log.ts';
import { type Service, startService } from './service.ts';

async function main(): Promise<void> {
  const config = readConfig();
  const starting = startService(config);
  // From the beginning: as the first process of a container it would not even be ended by a signal that nobody handles.
  process.once('SIGTERM', () => stop(starting));
  process.once('SIGINT', () => stop(starting));
  process.stdout.write(greeting(config, await starting));
}

/** Stops what runs, or what is about to. Whoever asks twice does not want to wait. */
function stop(starting: Promise<Service>): void {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.removeAllListeners(signal);
    process.once(signal, () => process.exit(1));
  }
  starting.then((service) => service.stop()).then(() => process.exit(0), fail);
}

function greeting(config: Config, { url, newAdminToken, hasSites }: Service): string {
  const lines = [`Backtalk listens at ${config.PUBLIC_URL ?? url}`];
  const token = newAdminToken ?? '<token>';
  if (newAdminToken !== null) lines.push('', `Your admin token, shown this once only: ${newAdminToken}`);
  if (!hasSites) {
    lines.push(
      '',
      'Next, add your blog:',
      '',
      `  curl -X POST ${url}/v1/sites -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' \\`,
      `    -d '{"bases":["https://blog.example/"]}'`,
      '',
      'and send it a comment:',
      '',
      `  curl -X POST ${url}/v1/comments -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' \\`,
      `    -d '{"target":"https://blog.example/first-post","author":{"name":"Ann"},"content":"Thank you, this helped."}'`,
    );
  }
  return `${lines.join('\n')}\n\n`;
}

function fail(error: unknown): never {
  process.stderr.write(`${loggable(error).error}\n`);
  process.exit(1);
}

main().catch(fail);
