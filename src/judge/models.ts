// The models in the memory of this process: one a site, each brought up to its log when it is asked for, those not used
// for longest leaving when there is too little room. They come back from their snapshot and the log.
import { storeSnapshot } from '../db/snapshots.ts';
import { FEATURES_VERSION } from './features.ts';
import { packCounts } from './packed-counts.ts';
import { advanceModel, loadModel, type SiteModel, type Source } from './site-model.ts';
import { copyTuning } from './tuning.ts';

export interface Models {
  /**
   * The site's model with at least `n` log entries. It may change with the next reader: whoever needs it has to use it before
   * waiting for anything else.
   */
  of(siteId: string, n: number): Promise<SiteModel>;
  /** Lets go of a site's model, so that the next reader gets it from the database. */
  drop(siteId: string): void;
}

interface Place {
  /** The end of the queue of those who read and fold the model. */
  last: Promise<SiteModel>;
  readers: number;
  bytes: number;
}

/** Entries since its snapshot from which on a model that leaves memory leaves a new one: folding them costs more than reading it. */
const mostFolded = 500;

/**
 * Models that together take at most `memoryBytes`, but for the one used last: one has to be there to judge by. `watch` is told
 * how many there are and the bytes that they take.
 */
export function createModels(
  source: Source & { now: () => Date },
  { memoryBytes, watch }: { memoryBytes: number; watch: (models: number, bytes: number) => void },
): Models {
  /** In the order of last use. */
  const places = new Map<string, Place>();

  // Readers and folders of one site take turns in the order they came.
  function of(siteId: string, n: number): Promise<SiteModel> {
    const place = places.get(siteId) ?? { last: loadModel(source, siteId), readers: 0, bytes: 0 };
    places.delete(siteId);
    places.set(siteId, place);
    place.readers++;
    const turn = place.last.then((held) => (held.n >= n ? held : advanceModel(source, siteId, held)));
    place.last = turn;
    turn.then(
      (held) => {
        place.readers--;
        place.bytes = held.model.bytes;
        makeRoom();
      },
      // A model that failed half-way is not to be trusted: the next reader loads it anew.
      () => forget(siteId, place),
    );
    return turn;
  }

  function forget(siteId: string, place: Place): void {
    if (places.get(siteId) === place) places.delete(siteId);
  }

  function makeRoom(): void {
    let bytes = 0;
    for (const place of places.values()) bytes += place.bytes;
    for (const [siteId, place] of places) {
      if (bytes <= memoryBytes || places.size === 1) break;
      if (place.readers > 0) continue;
      places.delete(siteId);
      bytes -= place.bytes;
      place.last.then((held) => leave(siteId, held)).catch(source.report);
    }
    watch(places.size, bytes);
  }

  async function leave(siteId: string, { model, n, epoch, snapshotN }: SiteModel): Promise<void> {
    if (n - snapshotN <= mostFolded) return;
    const tuning = copyTuning(model.tuning);
    const counts = await packCounts(model.snapshot());
    await source.db.transaction((tx) =>
      storeSnapshot(tx, { siteId, n, epoch, featuresVersion: FEATURES_VERSION, counts, tuning, at: source.now() }),
    );
  }

  return {
    of,
    drop(siteId) {
      places.delete(siteId);
    },
  };
}
