/** Typed arrays that grow by doubling. Callers keep the result: `this.x = grown(this.x, length)`. */

type TypedArray = Float64Array | Uint32Array | Int32Array | Uint8Array;

/** `array` if it has `length` elements, else a copy with room for more, the new elements set to `fill`. */
export function grown<T extends TypedArray>(array: T, length: number, fill = 0): T {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => T)(Math.max(length, array.length * 2));
  larger.set(array);
  if (fill !== 0) larger.fill(fill, array.length);
  return larger;
}
