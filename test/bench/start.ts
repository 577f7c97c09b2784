// How long a start takes on a site of many decisions: from the lessons that stand against from a snapshot. Run by
// `npm run bench:start -- [decisions]`, on an embedded database of its own or on that of DATABASE_URL, which should be empty.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { type Db, openDatabase } from '../../src/db/client.ts';
import { defaultSettings, insertSite } from '../../src/db/sites.ts';
import { newestSnapshot } from '../../src/db/snapshots.ts';
import { ensureTarget } from '../../src/db/targets.ts';
import { BUCKET_BITS } from '../../src/judge/feature-set.ts';
import { FEATURES_VERSION, packLesson } from '../../src/judge/features.ts';
import { createModels } from '../../src/judge/models.ts';
import { createRefitting } from '../../src/judge/refitting.ts';
import { loadModel, rebuildModel } from '../../src/judge/site-model.ts';
import { decodeStarter } from '../../src/judge/starter.ts';

/** Texts that differ; decisions are on one of them each. */
const texts = 10_000;
const featuresOfText = 250;
/** As many as may come between two refits. */
const sinceRefit = 2_000;

const decisions = Number(process.argv[2] ?? 100_000);
const migrations = fileURLToPath(new URL('../../drizzle', import.meta.url));
const starter = fileURLToPath(new URL('../../src/judge/starter/model.bin', import.meta.url));
const dataDir = await mkdtemp(join(tmpdir(), 'backtalk-bench-'));
const databaseUrl = process.env.DATABASE_URL;
const { db, close } = await openDatabase({ databaseUrl, dataDir, migrations });
const report = (error: unknown) => {
  throw error;
};
const source = { db, starter: decodeStarter(await readFile(starter)), report, now: () => new Date() };
const base = new URL(`https://bench-${Date.now()}.example/`);
const site = await insertSite(db, { name: 'bench', bases: [base], settings: defaultSettings, now: new Date() });
const target = await ensureTarget(db, site.id, base, new Date());

await makeUp(db, decisions);
const { model } = await timed(`start from ${decisions} lessons`, () => rebuildModel(source, site.id));
say(`${model.snapshot().features.length} features, ${model.bytes} bytes in memory`);
const models = createModels(source, { memoryBytes: 0, watch: () => {} });
const lessonOf = () => Promise.reject(new Error('all lessons are of this features version'));
const refitting = createRefitting({ ...source, models, lessonOf, done: () => {} });
await timed('retrain', () => refitting.retrain(site.id));
const stored = await newestSnapshot(db, site.id, FEATURES_VERSION);
say(`${stored?.counts.length} bytes in the snapshot`);
await timed('start from the snapshot', () => loadModel(source, site.id));
await makeUp(db, sinceRefit);
await timed(`start from the snapshot and ${sinceRefit} entries`, () => loadModel(source, site.id));
await close();
await rm(dataDir, { recursive: true, force: true });

/** Runs something, and says how long it took and for how long it let nothing else run. */
async function timed<Result>(what: string, run: () => Promise<Result>): Promise<Result> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const start = performance.now();
  const result = await run();
  const ms = Math.round(performance.now() - start);
  delay.disable();
  say(`${what}: ${ms} ms, longest pause ${Math.round(delay.max / 1e6)} ms`);
  return result;
}

/** Stores decisions, each on a submission of its own, as if they had been made one by one. */
async function makeUp(db: Db, count: number): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`create temporary table pool (i int primary key, features bytea) on commit drop`);
    for (let i = 0; i < texts; i += 500) {
      const rows = Array.from({ length: 500 }, (_, j) => sql`(${i + j}::int, decode(${madeUpLesson()}, 'hex'))`);
      await tx.execute(sql`insert into pool values ${sql.join(rows, sql`, `)}`);
    }
    await tx.execute(sql`
      with added as (
        insert into submissions (id, site_id, target_id, kind, status, target, content, received_at, updated_at)
        select gen_random_uuid(), ${site.id}::uuid, ${target.id}::uuid, 'comment', 'spam', ${target.url}, 'made up', now(), now()
        from generate_series(1, ${count}::int) returning id
      ), taught as (
        insert into lessons (site_id, submission_id, label, features, features_version)
        select ${site.id}::uuid, numbered.id, case when n % 3 = 0 then 'spam' else 'ham' end, pool.features, ${FEATURES_VERSION}::int
        from (select id, row_number() over () as n from added) numbered join pool on pool.i = n % ${texts}::int
        returning id
      )
      insert into log_entries (site_id, n, at, kind, learned, unlearned)
      select ${site.id}::uuid, (select log_n from sites where id = ${site.id}::uuid) + row_number() over (order by id), now(), 'decide', jsonb_build_array(id), '[]'
      from taught`);
    await tx.execute(sql`update submissions s set lesson_id = l.id from lessons l
      where l.submission_id = s.id and s.site_id = ${site.id}::uuid and s.lesson_id is null`);
    await tx.execute(sql`update sites set log_n = log_n + ${count}::int where id = ${site.id}::uuid`);
  });
}

/** Features as texts have them: few are in most texts, most in few. */
function madeUpLesson(): string {
  const features = new Set<number>();
  for (let i = 0; i < featuresOfText; i++) {
    const rank = Math.floor(1_000_000 ** Math.random());
    features.add((((i % 5) + 1) << BUCKET_BITS) | rank);
  }
  return Buffer.from(packLesson(Uint32Array.from(features).sort())).toString('hex');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
