// How often each feature was seen in ham and in spam: integers only, so that what was learned can be taken back
// exactly. It knows nothing of probabilities.

import type { Label } from '../submission.ts';

/** Counts as plain data, sorted by feature: equal counts give equal snapshots. */
export interface CountsSnapshot {
  features: Uint32Array;
  ham: Uint32Array;
  spam: Uint32Array;
  hamDocuments: number;
  spamDocuments: number;
}

/** An open-addressed table of features. Memory grows with the number of distinct features: 12 bytes each, half full. */
export class Counts {
  hamDocuments = 0;
  spamDocuments = 0;
  // Slots are found by `indexOf`; 0 is no feature, because groups are counted from 1.
  #keys: Uint32Array;
  #ham: Uint32Array;
  #spam: Uint32Array;
  #used = 0;

  constructor(capacity = 1024) {
    const size = sizeFor(capacity);
    this.#keys = new Uint32Array(size);
    this.#ham = new Uint32Array(size);
    this.#spam = new Uint32Array(size);
  }

  static from(snapshot: CountsSnapshot): Counts {
    const counts = new Counts(snapshot.features.length);
    counts.hamDocuments = snapshot.hamDocuments;
    counts.spamDocuments = snapshot.spamDocuments;
    snapshot.features.forEach((feature, i) => {
      const slot = counts.#claim(feature);
      counts.#ham[slot] = snapshot.ham[i] as number;
      counts.#spam[slot] = snapshot.spam[i] as number;
    });
    return counts;
  }

  /** Bytes of memory that the table takes. */
  get bytes(): number {
    return this.#keys.byteLength + this.#ham.byteLength + this.#spam.byteLength;
  }

  /** Counts one document's features (sorted, unique) for its label. */
  add(packed: Uint32Array, label: Label): void {
    if (label === 'ham') this.hamDocuments++;
    else this.spamDocuments++;
    for (let i = 0; i < packed.length; i++) {
      const slot = this.#claim(packed[i] as number);
      const column = label === 'ham' ? this.#ham : this.#spam;
      column[slot] = (column[slot] as number) + 1;
    }
  }

  /** Takes one document back. Throws a RangeError, and changes nothing, if it was never added with that label. */
  remove(packed: Uint32Array, label: Label): void {
    const column = label === 'ham' ? this.#ham : this.#spam;
    const documents = label === 'ham' ? this.hamDocuments : this.spamDocuments;
    if (documents === 0) throw new RangeError(`no ${label} was learned that could be unlearned`);
    for (let i = 0; i < packed.length; i++) {
      const slot = this.indexOf(packed[i] as number);
      if (slot < 0 || column[slot] === 0) throw new RangeError(`a feature was never learned as ${label}`);
    }
    for (let i = 0; i < packed.length; i++) {
      const slot = this.indexOf(packed[i] as number);
      column[slot] = (column[slot] as number) - 1;
    }
    if (label === 'ham') this.hamDocuments--;
    else this.spamDocuments--;
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

  /** Plain data, sorted by feature, without features whose counts are both 0. */
  snapshot(): CountsSnapshot {
    const order: number[] = [];
    for (let slot = 0; slot < this.#keys.length; slot++) if (this.#isCounted(slot)) order.push(slot);
    order.sort((a, b) => (this.#keys[a] as number) - (this.#keys[b] as number));
    return {
      features: Uint32Array.from(order, (slot) => this.#keys[slot] as number),
      ham: Uint32Array.from(order, (slot) => this.#ham[slot] as number),
      spam: Uint32Array.from(order, (slot) => this.#spam[slot] as number),
      hamDocuments: this.hamDocuments,
      spamDocuments: this.spamDocuments,
    };
  }

  #isCounted(slot: number): boolean {
    return this.#keys[slot] !== 0 && (this.#ham[slot] !== 0 || this.#spam[slot] !== 0);
  }

  #claim(feature: number): number {
    const found = this.indexOf(feature);
    if (found >= 0) return found;
    if ((this.#used + 1) * 2 > this.#keys.length) this.#rebuild();
    const mask = this.#keys.length - 1;
    let slot = (Math.imul(feature, 0x9e3779b1) >>> 7) & mask;
    while (this.#keys[slot] !== 0) slot = (slot + 1) & mask;
    this.#keys[slot] = feature;
    this.#used++;
    return slot;
  }

  // Features unlearned to nothing are dropped here, so that a table does not grow by what comes and goes.
  #rebuild(): void {
    const { features, ham, spam } = this.snapshot();
    const size = sizeFor(features.length * 2);
    this.#keys = new Uint32Array(size);
    this.#ham = new Uint32Array(size);
    this.#spam = new Uint32Array(size);
    this.#used = 0;
    for (let i = 0; i < features.length; i++) {
      const slot = this.#claim(features[i] as number);
      this.#ham[slot] = ham[i] as number;
      this.#spam[slot] = spam[i] as number;
    }
  }
}

function sizeFor(features: number): number {
  let size = 2048;
  while (size < features * 2 + 2) size *= 2;
  return size;
}
