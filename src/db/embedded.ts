// The embedded PostgreSQL (PGlite): opened under a lock, synced to disk at every commit, and kind to the event loop.
// PGlite does none of the three by itself.
import { fsyncSync } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { lockFolder } from './lock.ts';

/**
 * Opens the database under `folder`, which is created if need be. Throws `DatabaseInUseError` if another process has it.
 * The database is made beside its place and moved there when complete, so that a crash in the first seconds leaves nothing half made.
 */
export async function openEmbedded(folder: string): Promise<{ client: PGlite; close: () => Promise<void> }> {
  await mkdir(folder, { recursive: true });
  const unlock = await lockFolder(folder);
  try {
    const place = join(folder, 'db');
    if (!(await exists(join(place, 'PG_VERSION')))) {
      const draft = join(folder, 'db.new');
      await rm(draft, { recursive: true, force: true });
      await (await open(draft)).close();
      await rename(draft, place);
    }
    const client = yielding(await open(place));
    return {
      client,
      close: async () => {
        await client.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** An empty or preloaded database in memory, for tests: the same engine without a folder. */
export async function openInMemory(dump?: Blob): Promise<PGlite> {
  return yielding(await PGlite.create(dump === undefined ? {} : { loadDataDir: dump }));
}

function open(place: string): Promise<PGlite> {
  const startParams = PGlite.defaultStartParams.filter((parameter) => parameter !== '-F');
  // Its fdatasync does nothing; fsync is the one that SyncedFS provides.
  startParams.push('-c', 'wal_sync_method=fsync');
  return PGlite.create({ fs: new SyncedFS(place), startParams });
}

/** PGlite's file system leaves fsync out: a commit would survive a killed process, but not a power cut. */
class SyncedFS extends NodeFS {
  override async init(...args: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(...args);
    const sync = (module: { NODEFS: { stream_ops: Record<string, unknown> } }) => {
      module.NODEFS.stream_ops.fsync = (stream: { nfd: number }) => {
        fsyncSync(stream.nfd);
        return 0;
      };
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), sync as never] } };
  }
}

/** PGlite answers in microtasks alone: a thousand awaited queries in a row would let no timer and no socket run. */
function yielding(client: PGlite): PGlite {
  const query = client.query.bind(client);
  const transaction = client.transaction.bind(client);
  client.query = async (...args) => {
    const result = await query<never>(...args);
    await setImmediate();
    return result;
  };
  client.transaction = async (work) => {
    const result = await transaction(work);
    await setImmediate();
    return result;
  };
  return client;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
