// The process: settings from the environment, a greeting on the first start, and a graceful end on SIGTERM and SIGINT.
import { type Config, readConfig } from './config.ts';
import { type Service, startService } from './service.ts';

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const service = await startService(config);
  process.stdout.write(greeting(config, service));

  let stopping = false;
  const stop = () => {
    // Whoever asks twice does not want to wait.
    if (stopping) process.exit(1);
    stopping = true;
    service.stop().then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
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
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

main().catch(fail);
