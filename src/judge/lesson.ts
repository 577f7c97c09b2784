// The stored form of what one decision taught: a feature list as bytes. It holds no text and cannot be read back into one.
import { readVarints, writeVarints } from './varint.ts';

/** Packs sorted unique features: each as its difference to the one before. */
export function packLesson(packed: Uint32Array): Uint8Array {
  return writeVarints(packed.map((feature, index) => feature - (packed[index - 1] ?? 0)));
}

/** The features of a packed lesson. Throws a RangeError on bytes that are not one. */
export function unpackLesson(bytes: Uint8Array): Uint32Array {
  const packed = readVarints(bytes);
  let last = 0;
  for (let i = 0; i < packed.length; i++) {
    const difference = packed[i] as number;
    last += difference;
    if (last > 0xffffffff || (difference === 0 && i > 0)) throw new RangeError('a lesson is not a sorted list');
    packed[i] = last;
  }
  return packed;
}
