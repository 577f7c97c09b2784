// Types for the subpaths of `natural` that language.ts uses; the package types only its root, which must not be imported.

declare module 'natural/lib/natural/stemmers/*' {
  const stemmer: { stem(token: string): string };
  export default stemmer;
}

declare module 'natural/lib/natural/util/*' {
  const stopWords: { words: readonly string[] };
  export default stopWords;
}
