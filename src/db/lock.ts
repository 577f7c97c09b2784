// Keeps a second process off the embedded database, which would open it and silently write over the first. It knows a
// live holder from a dead one by a socket that the kernel closes with its process; it never takes a lock from a live holder.

import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';

/** Thrown when another process holds the database, with a message that says which and what to do. */
export class DatabaseInUseError extends Error {}

interface Holder {
  pid: number;
  host: string;
  kernel: string;
}

/**
 * Locks a folder's database. Three nets: an abstract socket (Linux; atomic, gone with the process), a socket file that
 * also reaches other containers on the same kernel, and a note of who holds it for machines that share the folder only.
 * Throws `DatabaseInUseError`; the returned function gives the lock back.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const real = await realpath(folder);
  const [note, socketFile] = [`${real}/db.lock`, `${real}/db.sock`];
  const here: Holder = { pid: process.pid, host: hostname(), kernel: await kernelId() };
  const holder = await readHolder(note);
  const inUse = () =>
    new DatabaseInUseError(
      `it is in use by process ${holder?.pid ?? 'unknown'} on ${holder?.host ?? 'this machine'}; stop that one first, or set another DATA_DIR`,
    );

  const servers: Server[] = [];
  const release = async () => {
    await rm(note, { force: true });
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  };
  if (process.platform === 'linux') {
    const abstract = await listen(`\0backtalk:${real}`);
    if (abstract === 'taken') throw inUse();
    if (abstract !== 'impossible') servers.push(abstract);
  }
  try {
    if (holder !== null && holder.kernel !== here.kernel && holder.host !== here.host) {
      throw new DatabaseInUseError(
        `it was opened by process ${holder.pid} on ${holder.host}, another machine; if nothing runs there any more, delete ${note}`,
      );
    }
    if (await answers(socketFile)) throw inUse();
    await rm(socketFile, { force: true });
    const server = await listen(socketFile);
    if (server === 'taken') throw inUse();
    if (server !== 'impossible') servers.push(server);
    else if (servers.length === 0 && holder !== null && isAlive(holder)) throw inUse();
    await writeFile(note, JSON.stringify(here));
  } catch (error) {
    await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    throw error;
  }
  return release;
}

/** A path too long for a socket, or a system without them, is `impossible`: the other nets must do. */
function listen(path: string): Promise<Server | 'taken' | 'impossible'> {
  return new Promise((resolve) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'taken' : 'impossible'),
    );
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

async function readHolder(note: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(note, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

/** Changes with every boot and is the same in all containers of one kernel; systems without it are told apart by name. */
async function kernelId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (id) => id.trim(),
    () => hostname(),
  );
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
    return holder.pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
