// What the judge is told of copies, and near-duplicates without a database: for measuring with the same signals as the
// service has, which keeps its clusters in db/similar.ts.

import type { Label } from '../submission.ts';
import { bandsOf, belongsTo, type ComparedText, type Shingles, shinglesOf } from './sketch.ts';

/** Others that say much the same: marked as spam or approved by a moderator, and those not decided yet. */
export interface CopyCounts {
  spam: number;
  ham: number;
  undecided: number;
}

/** Undecided copies from which on a text is `repeated`. */
const LEAST_REPEATED = 3;

/** The signals that copies give. */
export function signalsOfCopies({ spam, ham, undecided }: CopyCounts): string[] {
  return [
    ...(spam > 0 ? ['copy_of_spam'] : []),
    ...(ham > 0 ? ['copy_of_approved'] : []),
    ...(undecided >= LEAST_REPEATED ? ['repeated'] : []),
  ];
}

interface Cluster extends CopyCounts {
  first: Shingles;
}

interface Member {
  shingles: Shingles;
  cluster: Cluster;
}

/** Texts held against one another as the service does it, in the order they are added. */
export class SimilarTexts {
  readonly #byBand = new Map<number, Member[]>();

  /** The copies of a text that have been added. */
  look(text: ComparedText): CopyCounts {
    const shingles = shinglesOf(text);
    const clusters = shingles === null ? [] : this.#clustersOf(shingles, bandsOf(shingles));
    const counts = { spam: 0, ham: 0, undecided: 0 };
    for (const cluster of clusters) {
      counts.spam += cluster.spam;
      counts.ham += cluster.ham;
      counts.undecided += cluster.undecided;
    }
    return counts;
  }

  /** Adds a text with a moderator's word on it; null: none yet. */
  add(text: ComparedText, label: Label | null): void {
    const shingles = shinglesOf(text);
    if (shingles === null) return;
    const bands = bandsOf(shingles);
    const [found] = this.#clustersOf(shingles, bands);
    const cluster = found ?? { first: shingles, spam: 0, ham: 0, undecided: 0 };
    cluster[label ?? 'undecided']++;
    const member = { shingles, cluster };
    for (const band of bands) {
      const members = this.#byBand.get(band);
      if (members === undefined) this.#byBand.set(band, [member]);
      else if (members.length < MOST_OF_A_BAND) members.push(member);
    }
  }

  #clustersOf(shingles: Shingles, bands: readonly number[]): Cluster[] {
    const shared = new Map<Member, number>();
    for (const band of bands) {
      for (const member of this.#byBand.get(band) ?? []) shared.set(member, (shared.get(member) ?? 0) + 1);
    }
    const nearest = new Map<Cluster, Shingles>();
    for (const [member] of [...shared].sort((a, b) => b[1] - a[1])) {
      if (nearest.size >= MOST_CLUSTERS) break;
      if (!nearest.has(member.cluster)) nearest.set(member.cluster, member.shingles);
    }
    return [...nearest]
      .filter(([{ first }, near]) => belongsTo(shingles, { first, nearest: near }))
      .map(([cluster]) => cluster);
  }
}

/** Clusters that a text is held against: those with the most bands in common. */
export const MOST_CLUSTERS = 10;
const MOST_OF_A_BAND = 200;
