// Spins a pitch as senders of spam do: of each `{one|other}` one is taken, and other names, titles, numbers and links are put in.

const parts = {
  NAME: ['Ann', 'Mister Ben Cole', 'Dr. Okafor', 'Jenny', 'Paul R.', 'Маша', 'Kim'],
  TITLE: ['A sourdough loaf', 'How I moved to Lisbon', 'Ten things about SQL', 'Kubernetes at home'],
  NUMBER: ['12', '350', '4,999', '70%', '$25'],
  LINK: [
    'http://pills-a.example/x?id=7',
    'www.cheap-b.example',
    'https://c.example/',
    'http://d.example/now',
    'me@e.example',
  ],
};

/** So many different copies of `pitch`; the same ones each time. */
export function spun(pitch: string, count: number): string[] {
  let state = 7;
  const pick = (choices: readonly string[]): string => {
    // Lehmer's generator: small, and the same everywhere.
    state = (state * 48_271) % 2_147_483_647;
    return choices[state % choices.length] as string;
  };
  const copies = new Set<string>();
  while (copies.size < count) {
    const chosen = pitch.replace(/\{([^{}]*)\}/g, (_, choices: string) => pick(choices.split('|')));
    copies.add(
      chosen.replace(/NAME|TITLE|NUMBER|LINK/g, (part) => pick(parts[part as keyof typeof parts])).replace(/\s+/g, ' '),
    );
  }
  return [...copies];
}
