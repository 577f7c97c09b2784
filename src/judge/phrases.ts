// Finds many phrases in a text at once: whole words where a script puts spaces between words, anywhere where it does not.
// Expects texts that are folded already.

/** A tree of the phrases' tokens, so that a text is read once however many phrases there are. */
export interface Phrases<Value> {
  value?: Value;
  next: Map<string, Phrases<Value>>;
}

export function createPhrases<Value>(): Phrases<Value> {
  return { next: new Map() };
}

export function addPhrase<Value>(phrases: Phrases<Value>, phrase: string, value: Value): void {
  let node = phrases;
  for (const token of tokensOf(phrase)) {
    const next = node.next.get(token) ?? createPhrases<Value>();
    node.next.set(token, next);
    node = next;
  }
  node.value = value;
}

/** What was added with one of the phrases that stand in `text`; undefined if none does. */
export function findPhrase<Value>(phrases: Phrases<Value>, text: string): Value | undefined {
  if (phrases.next.size === 0) return undefined;
  const tokens = tokensOf(text);
  for (let start = 0; start < tokens.length; start++) {
    let node: Phrases<Value> | undefined = phrases;
    for (let at = start; node !== undefined && at < tokens.length; at++) {
      node = node.next.get(tokens[at] as string);
      if (node?.value !== undefined) return node.value;
    }
  }
  return undefined;
}

/** A word, or one character of anything else: of scripts without spaces, and of signs and spaces. */
const token =
  /(?:(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}])[\p{L}\p{M}\p{N}])+|./gsu;

function tokensOf(text: string): string[] {
  return text.match(token) ?? [];
}
