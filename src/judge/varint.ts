// Whole numbers as base-128 varints, low groups of bits first: small numbers take one byte.

/** The numbers as bytes. */
export function writeVarints(values: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 5);
  let size = 0;
  for (let value of values) {
    while (value >= 0x80) {
      bytes[size++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[size++] = value;
  }
  return bytes.slice(0, size);
}

/** The numbers in `bytes`. Throws a RangeError where they end inside a number or one has more than 32 bits. */
export function readVarints(bytes: Uint8Array): Uint32Array {
  const values = new Uint32Array(bytes.length);
  let size = 0;
  let at = 0;
  while (at < bytes.length) {
    let value = 0;
    let scale = 1;
    let byte = 0x80;
    while (byte >= 0x80) {
      if (at >= bytes.length) throw new RangeError('a list of numbers ends inside one');
      byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    if (value > 0xffffffff) throw new RangeError('a number has more than 32 bits');
    values[size++] = value;
  }
  return values.slice(0, size);
}
