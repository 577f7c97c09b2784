// How often each feature was seen in ham and in spam, and how much those sightings surprised: integers only, so that what
// was learned can be taken back exactly. It knows nothing of probabilities.

import type { Label } from '../submission.ts';

/** What one decision teaches: features (sorted, unique), label, and by how many sixteenths the score before it was wrong. */
export interface Taught {
  packed: Uint32Array;
  label: Label;
  /** 0 (as expected) to 16 (the very opposite). */
  surprise: number;
}

/** Counts as plain data, sorted by feature: equal counts give equal snapshots. The first four are lists of equal length. */
export interface CountsSnapshot {
  features: Uint32Array;
  ham: Uint32Array;
  spam: Uint32Array;
  /** Sums of surprise over the decisions that held the feature. */
  hamSurprise: Uint32Array;
  spamSurprise: Uint32Array;
  hamDocuments: number;
  spamDocuments: number;
  hamDocumentsSurprise: number;
  spamDocumentsSurprise: number;
}

/** An open-addressed table of features. Memory grows with the number of distinct features: 20 bytes each, at most three quarters full. */
export class Counts {
  hamDocuments = 0;
  spamDocuments = 0;
  hamDocumentsSurprise = 0;
  spamDocumentsSurprise = 0;
  // Slots are found by `indexOf`; 0 is no feature, because groups are counted from 1.
  #keys: Uint32Array;
  #ham: Uint32Array;
  #spam: Uint32Array;
  #hamSurprise: Uint32Array;
  #spamSurprise: Uint32Array;
  #used = 0;

  constructor(capacity = 0) {
    const size = sizeFor(capacity);
    this.#keys = new Uint32Array(size);
    this.#ham = new Uint32Array(size);
    this.#spam = new Uint32Array(size);
    this.#hamSurprise = new Uint32Array(size);
    this.#spamSurprise = new Uint32Array(size);
  }

  static from(snapshot: CountsSnapshot): Counts {
    const counts = new Counts(snapshot.features.length);
    counts.#load(snapshot);
    return counts;
  }

  /** Counts one decision. */
  add(taught: Taught): void {
    const { packed, label, surprise } = taught;
    this.#countDocument(taught, 1);
    for (let i = 0; i < packed.length; i++) {
      const slot = this.#claim(packed[i] as number);
      const seen = label === 'ham' ? this.#ham : this.#spam;
      seen[slot] = (seen[slot] as number) + 1;
      if (surprise === 0) continue;
      const surprised = label === 'ham' ? this.#hamSurprise : this.#spamSurprise;
      surprised[slot] = (surprised[slot] as number) + surprise;
    }
  }

  /** Takes one decision back. Throws a RangeError, and changes nothing, if it was never added so. */
  remove(taught: Taught): void {
    const { packed, label, surprise } = taught;
    const seen = label === 'ham' ? this.#ham : this.#spam;
    const surprised = label === 'ham' ? this.#hamSurprise : this.#spamSurprise;
    const documents = label === 'ham' ? this.hamDocuments : this.spamDocuments;
    if (documents === 0) throw new RangeError(`no ${label} was learned that could be unlearned`);
    for (let i = 0; i < packed.length; i++) {
      const slot = this.indexOf(packed[i] as number);
      if (slot < 0 || seen[slot] === 0 || (surprised[slot] as number) < surprise)
        throw new RangeError(`a feature was never learned so as ${label}`);
    }
    for (let i = 0; i < packed.length; i++) {
      const slot = this.indexOf(packed[i] as number);
      seen[slot] = (seen[slot] as number) - 1;
      surprised[slot] = (surprised[slot] as number) - surprise;
    }
    this.#countDocument(taught, -1);
  }

  /** The slot of a feature for `hamAt` and `spamAt`, or -1. Valid until the next `add`. */
  indexOf(feature: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let slot = Math.imul(feature, 0x9e3779b1) >>> 7;
    slot &= mask;
    while (true) {
      const key = keys[slot];
      if (key === feature) return slot;
      if (key === 0) return -1;
      slot = (slot + 1) & mask;
    }
  }

  hamAt(slot: number): number {
    return slot < 0 ? 0 : (this.#ham[slot] as number);
  }

  spamAt(slot: number): number {
    return slot < 0 ? 0 : (this.#spam[slot] as number);
  }

  /** Surprise of the ham decisions that held the feature at `slot`, in sixteenths. */
  hamSurpriseAt(slot: number): number {
    return slot < 0 ? 0 : (this.#hamSurprise[slot] as number);
  }

  spamSurpriseAt(slot: number): number {
    return slot < 0 ? 0 : (this.#spamSurprise[slot] as number);
  }

  /** Bytes of memory that the table takes. */
  get bytes(): number {
    return this.#keys.byteLength * 5;
  }

  /** Plain data, sorted by feature, without features whose counts are both 0. */
  snapshot(): CountsSnapshot {
    const keys: number[] = [];
    for (let slot = 0; slot < this.#keys.length; slot++)
      if (this.#isCounted(slot)) keys.push(this.#keys[slot] as number);
    const features = Uint32Array.from(keys).sort();
    const column = (values: Uint32Array) => features.map((feature) => values[this.indexOf(feature)] as number);
    return {
      features,
      ham: column(this.#ham),
      spam: column(this.#spam),
      hamSurprise: column(this.#hamSurprise),
      spamSurprise: column(this.#spamSurprise),
      hamDocuments: this.hamDocuments,
      spamDocuments: this.spamDocuments,
      hamDocumentsSurprise: this.hamDocumentsSurprise,
      spamDocumentsSurprise: this.spamDocumentsSurprise,
    };
  }

  #load(snapshot: CountsSnapshot): void {
    const { features, ham, spam, hamSurprise, spamSurprise } = snapshot;
    this.hamDocuments = snapshot.hamDocuments;
    this.spamDocuments = snapshot.spamDocuments;
    this.hamDocumentsSurprise = snapshot.hamDocumentsSurprise;
    this.spamDocumentsSurprise = snapshot.spamDocumentsSurprise;
    for (let i = 0; i < features.length; i++) {
      const slot = this.#claim(features[i] as number);
      this.#ham[slot] = ham[i] as number;
      this.#spam[slot] = spam[i] as number;
      this.#hamSurprise[slot] = hamSurprise[i] as number;
      this.#spamSurprise[slot] = spamSurprise[i] as number;
    }
  }

  #countDocument({ label, surprise }: Taught, times: 1 | -1): void {
    if (label === 'ham') {
      this.hamDocuments += times;
      this.hamDocumentsSurprise += times * surprise;
    } else {
      this.spamDocuments += times;
      this.spamDocumentsSurprise += times * surprise;
    }
  }

  #isCounted(slot: number): boolean {
    return this.#keys[slot] !== 0 && (this.#ham[slot] !== 0 || this.#spam[slot] !== 0);
  }

  #claim(feature: number): number {
    const found = this.indexOf(feature);
    if (found >= 0) return found;
    if (this.#used * 4 >= this.#keys.length * 3) this.#rebuild();
    const mask = this.#keys.length - 1;
    let slot = (Math.imul(feature, 0x9e3779b1) >>> 7) & mask;
    while (this.#keys[slot] !== 0) slot = (slot + 1) & mask;
    this.#keys[slot] = feature;
    this.#used++;
    return slot;
  }

  // Features unlearned to nothing are dropped here, so that a table does not grow by what comes and goes.
  #rebuild(): void {
    const snapshot = this.snapshot();
    const size = sizeFor(snapshot.features.length);
    this.#keys = new Uint32Array(size);
    this.#ham = new Uint32Array(size);
    this.#spam = new Uint32Array(size);
    this.#hamSurprise = new Uint32Array(size);
    this.#spamSurprise = new Uint32Array(size);
    this.#used = 0;
    this.#load(snapshot);
  }
}

/** A power of two that `features` fill to 60 % at most. */
function sizeFor(features: number): number {
  let size = 512;
  while (size * 3 < features * 5) size *= 2;
  return size;
}
