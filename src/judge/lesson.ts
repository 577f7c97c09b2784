// The stored form of what one decision taught: a feature list as bytes. It holds no text and cannot be read back into one.

/** Packs sorted unique features: each difference to the one before as a base-128 varint, low groups of bits first. */
export function packLesson(packed: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(packed.length * 5);
  let size = 0;
  let last = 0;
  for (let i = 0; i < packed.length; i++) {
    let delta = (packed[i] as number) - last;
    last = packed[i] as number;
    while (delta >= 0x80) {
      bytes[size++] = (delta & 0x7f) | 0x80;
      delta >>>= 7;
    }
    bytes[size++] = delta;
  }
  return bytes.slice(0, size);
}

/** The features of a packed lesson. Throws a RangeError on bytes that are not one. */
export function unpackLesson(bytes: Uint8Array): Uint32Array {
  const packed = new Uint32Array(bytes.length);
  let size = 0;
  let last = 0;
  let at = 0;
  while (at < bytes.length) {
    let delta = 0;
    let scale = 1;
    let byte = 0x80;
    while (byte >= 0x80) {
      if (at >= bytes.length) throw new RangeError('a lesson ends inside a number');
      byte = bytes[at++] as number;
      delta += (byte & 0x7f) * scale;
      scale *= 128;
    }
    last += delta;
    if (last > 0xffffffff || (delta === 0 && size > 0)) throw new RangeError('a lesson is not a sorted list');
    packed[size++] = last;
  }
  return packed.slice(0, size);
}
