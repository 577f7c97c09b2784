// A set of hashed features as it is gathered: groups of evidence, hashing, labels. What the features are is decided in
// features.ts and the files beside it.

/** The groups of evidence. Their order is part of the stored format: add at the end only. */
export const groups = [
  'words',
  'pairs',
  'characters',
  'shape',
  'links',
  'author',
  'address',
  'email',
  'relevance',
  'signal',
] as const;
export type Group = (typeof groups)[number];

/** Where a readable feature stands in the submission. */
export type Field =
  | 'content'
  | 'first word'
  | 'last word'
  | 'last line'
  | 'title'
  | 'author name'
  | 'author address'
  | 'author e-mail'
  | 'link'
  | 'source'
  | 'signal';

/** What a moderator sees of a feature. */
export interface Label {
  token: string;
  field: Field;
}

/** The lowest bits of a packed feature are its hash bucket, the bits above them its group (counted from 1). */
export const BUCKET_BITS = 22;

/** The group of a packed feature, as an index into `groups`. */
export function groupOf(packed: number): number {
  return (packed >>> BUCKET_BITS) - 1;
}

/** A starting value for `hashText` and `mix`, so that equal texts in different fields are different features. */
export function seed(name: string): number {
  return hashText(0x811c9dc5 | 0, name);
}

/** FNV-1a over the code units of `text` (Fowler, Noll, Vo 1991), from a seed. */
export function hashText(from: number, text: string): number {
  let hash = from;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Joins a number to a hash. */
export function mix(hash: number, value: number): number {
  return Math.imul((hash ^ value) + 0x9e3779b9, 0x85ebca6b) ^ (hash >>> 15);
}

/** The packed feature of a hash in a group (an index into `groups`). */
export function pack(group: number, hash: number): number {
  // The finaliser of MurmurHash3 (Appleby 2011): FNV alone leaves the high bits of short texts poor.
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h ^= h >>> 16;
  return (((group + 1) << BUCKET_BITS) | (h >>> (32 - BUCKET_BITS))) >>> 0;
}

/**
 * The feature that says that a group was there to be seen, for the groups that depend on a site's form: whether there is
 * an address says much about the form and little about the author. Null for the groups every text has.
 */
export function presenceOf(group: number): number | null {
  return optional[group] === true ? pack(group, presence) : null;
}

const presence = seed('present');
const always: readonly Group[] = ['words', 'pairs', 'characters', 'shape', 'signal'];
const optional = groups.map((group) => !always.includes(group));

/** Gathers features; with `labels` also what a reader may be shown of them. */
export class FeatureSet {
  readonly labels: Map<number, Label> | null;
  #packed = new Uint32Array(512);
  #size = 0;

  constructor(labels: Map<number, Label> | null = null) {
    this.labels = labels;
  }

  /** Adds a feature nobody is shown. */
  add(group: number, hash: number): void {
    this.#push(pack(group, hash));
  }

  /** Adds a text in a field: a feature that can be shown as `token`. */
  addText(group: number, from: number, text: string, field: Field, token = text): void {
    this.addLabelled(group, hashText(from, text), token, field);
  }

  /** Adds a hash that can be shown as `token`. */
  addLabelled(group: number, hash: number, token: string, field: Field): void {
    const packed = pack(group, hash);
    this.#push(packed);
    if (this.labels !== null && !this.labels.has(packed)) this.labels.set(packed, { token, field });
  }

  /** The features, sorted, each once; with the presence of each group they are in. */
  toSorted(): Uint32Array {
    const seen = new Set<number>();
    for (let i = 0; i < this.#size; i++) seen.add(groupOf(this.#packed[i] as number));
    for (const group of seen) {
      const present = presenceOf(group);
      if (present !== null) this.#push(present);
    }
    const sorted = this.#packed.slice(0, this.#size).sort();
    let unique = 0;
    for (let i = 0; i < sorted.length; i++) {
      if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[unique++] = sorted[i] as number;
    }
    return sorted.slice(0, unique);
  }

  #push(packed: number): void {
    if (this.#size === this.#packed.length) {
      const larger = new Uint32Array(this.#packed.length * 2);
      larger.set(this.#packed);
      this.#packed = larger;
    }
    this.#packed[this.#size++] = packed;
  }
}
