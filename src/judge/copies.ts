// Finds what says much the same as a submission on any site of the installation, keeps it in one cluster, and tells the
// judge what became of the others. It decides nothing.

import { v7 as newId } from 'uuid';
import type { Db } from '../db/client.ts';
import { type ClusterCounts, candidatesFor, countCluster, uniteClusters } from '../db/similar.ts';
import { MOST_CLUSTERS, signalsOfCopies } from './similar-texts.ts';
import { bandsOf, belongsTo, COMPARED_CHARACTERS, type ComparedText, type KnownCluster, shinglesOf } from './sketch.ts';

/** Where a text belongs among those that are known. */
export interface Place {
  /** Null for a text that is too short to compare; it has no cluster then. */
  sketch: number[] | null;
  /** The cluster that it belongs to: the oldest of its copies, or one of its own. */
  clusterId: string | null;
  /** The clusters of its copies, oldest first: most often none or one. */
  copies: string[];
}

/** A text, with the id and the cluster so far of its submission; null where that has none. */
export type Placed = ComparedText & { id: string | null; clusterId: string | null };

/** What is said of copies: signals for the model, and a sentence for each. */
export interface CopySignals {
  signals: string[];
  sentences: ReadonlyMap<string, string>;
}

export interface Copies {
  /** Finds the copies of a text. Writes nothing. */
  find(text: Placed): Promise<Place>;
  /**
   * Makes one cluster of those that a submission belongs to, now that it is stored. One that seemed the first of its kind is
   * looked at once more, since a copy may have come in at the same time. Never throws: the submission is taken in already.
   */
  settle(text: Placed, place: Place): Promise<void>;
  /** What became of the others in a cluster. */
  signalsOf(db: Db, judged: { id: string | null; clusterId: string | null; siteId: string }): Promise<CopySignals>;
}

const day = 86_400_000;
const repeatedWithinDays = 7;
const nothing: CopySignals = { signals: [], sentences: new Map() };

/** `report` hears of errors that are ours. */
export function createCopies(deps: { db: Db; now: () => Date; report: (error: unknown) => void }): Copies {
  const { db, now, report } = deps;

  async function find(text: Placed): Promise<Place> {
    const shingles = shinglesOf(text);
    if (shingles === null) return { sketch: null, clusterId: null, copies: [] };
    const sketch = bandsOf(shingles);
    const options = { except: text.id, clusters: MOST_CLUSTERS, characters: COMPARED_CHARACTERS };
    const known = new Map<string, KnownCluster>();
    for (const candidate of await candidatesFor(db, sketch, options)) {
      const cluster = known.get(candidate.clusterId) ?? { first: null, nearest: null };
      cluster[candidate.id === candidate.clusterId ? 'first' : 'nearest'] = shinglesOf(candidate);
      known.set(candidate.clusterId, cluster);
    }
    const copies = [...known]
      .filter(([, cluster]) => belongsTo(shingles, cluster))
      .map(([clusterId]) => clusterId)
      .sort();
    // One that had a cluster may have been its first: the others keep that id, and it gets a new one.
    const own = text.clusterId === null ? text.id : newId();
    return { sketch, clusterId: copies[0] ?? own, copies };
  }

  return {
    find,
    async settle(text, place) {
      if (place.clusterId === null || place.copies.length === 1) return;
      try {
        const { copies } = place.copies.length > 1 ? place : await find(text);
        const [oldest, ...others] = [...new Set([...copies, place.clusterId])].sort();
        if (oldest !== undefined && others.length > 0) await uniteClusters(db, oldest, others);
      } catch (error) {
        report(error);
      }
    },
    async signalsOf(tx, { id, clusterId, siteId }) {
      if (clusterId === null) return nothing;
      const since = new Date(now().getTime() - repeatedWithinDays * day);
      const counts = await countCluster(tx, { id: clusterId, except: id, siteId, since });
      return { signals: signalsOfCopies(counts), sentences: sentencesOf(counts) };
    },
  };
}

/** Counts are told of all sites, since one operator runs them; an id only of the submission's own site. */
function sentencesOf({ others, spam, ham, undecided, oldest }: ClusterCounts): ReadonlyMap<string, string> {
  const same = `it says much the same as ${others === 1 ? '1 other' : `${others} others`}`;
  const example = oldest === null ? '' : `; the oldest here is ${oldest}`;
  return new Map([
    ['copy_of_spam', `${same}, ${spam} marked as spam${example}`],
    ['copy_of_approved', `${same}, ${ham} approved${example}`],
    ['repeated', `${same}, ${undecided} of the last ${repeatedWithinDays} days not decided yet${example}`],
  ]);
}
