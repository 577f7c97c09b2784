// The built service as a process of its own, for tests of what happens to processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { adminToken } from './service.ts';

/** The built service. */
export const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Running {
  url: string;
  /** All that it has written to standard output and standard error. */
  output(): string;
  /** Sends a signal and waits for the end. Answers the exit code, null after a kill. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts the service on a free port and waits until it listens. Throws what it said if it ends instead. */
export async function startProcess(settings: Record<string, string>): Promise<Running> {
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      ADMIN_TOKEN: adminToken,
      LOG_LEVEL: 'warn',
      RATE_PER_MINUTE: '0',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += chunk.toString();
      const listening = /listens at (http:\S+)/.exec(output);
      if (listening?.[1] !== undefined) resolve(listening[1]);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    ended.then((code) => reject(new Error(`the service ended with ${code}: ${output}`)));
  });
  return { url, output: () => output, end: (signal) => end(child, signal, ended) };
}

function end(child: ChildProcess, signal: NodeJS.Signals, ended: Promise<number | null>): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  return ended;
}

/** A request with the admin token; the answer as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of answers is what tests look at
export async function ask(running: Running, method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(running.url + path, {
    method,
    headers: { authorization: `Bearer ${adminToken}` },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return text.startsWith('{') ? JSON.parse(text) : text;
}
