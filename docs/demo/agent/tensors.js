// Reads arrays from one binary file, described by a small JSON: {name: {dtype, shape, offset}}.

const TYPES = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
let halves = null; // the value of each of the 65,536 numbers in half precision

/**
 * Read arrays.
 * @param {Object<string, {dtype: string, shape: number[], offset: number}>} description Offsets in bytes; dtype is
 *     "float16", "float32", "int32" or "uint8", little-endian.
 * @param {ArrayBuffer} buffer The file.
 * @returns {Object<string, {shape: number[], values: TypedArray}>} float16 becomes a Float32Array.
 */
export function readTensors(description, buffer) {
  const read = ([name, { dtype, shape, offset }]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const values = dtype === "float16" ? fromHalf(new Uint16Array(buffer, offset, size)) : new TYPES[dtype](buffer, offset, size);
    return [name, { shape, values }];
  };
  return Object.fromEntries(Object.entries(description).map(read));
}

/** Convert half-precision numbers, a Uint16Array of their bits, to a Float32Array. */
export function fromHalf(bits) {
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => halfValue(half));
  const values = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) values[index] = halves[bits[index]];
  return values;
}

function halfValue(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
