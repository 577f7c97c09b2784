// What was approved under each post of a labelled file so far, within a limit. For measuring: the service reads its threads
// from the database.

/** As much of a thread as the service reads. */
const MOST_TEXTS = 20;
const MOST_TEXT_CHARACTERS = 2_000;

/** Of all threads together; past it the post that was answered longest ago is forgotten. */
const MOST_CHARACTERS = 20_000_000;

/** The threads of a file's posts: files may be of any size, so these may not grow with them. */
export class Threads {
  readonly #threads = new Map<string, string[]>();
  #characters = 0;

  /** The latest texts under a post, oldest first. */
  of(post: string): readonly string[] {
    return this.#threads.get(post) ?? [];
  }

  /** Adds an approved text under a post. */
  add(post: string, text: string): void {
    const thread = this.#threads.get(post) ?? [];
    // The last in the map is the one answered last.
    this.#threads.delete(post);
    this.#threads.set(post, thread);
    const kept = detached(text);
    thread.push(kept);
    this.#characters += kept.length;
    if (thread.length > MOST_TEXTS) this.#characters -= thread.shift()?.length ?? 0;
    for (const [oldest, texts] of this.#threads) {
      if (this.#characters <= MOST_CHARACTERS || oldest === post) return;
      this.#threads.delete(oldest);
      for (const gone of texts) this.#characters -= gone.length;
    }
  }
}

// A slice of a long string keeps all of it in memory; a copy does not.
function detached(text: string): string {
  if (text.length <= MOST_TEXT_CHARACTERS) return text;
  return Buffer.from(text.slice(0, MOST_TEXT_CHARACTERS), 'utf16le').toString('utf16le');
}
