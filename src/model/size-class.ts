/**
 * Classes of block sizes: exact below 16 bytes, from there eight classes per power of two, so that a class is never
 * wider than an eighth of its smallest size.
 *
 *     size    0 … 15   16 17   18 19   …   30 31   32 … 35   …   1024 … 1151
 *     class   0 … 15   16      17      …   23      24        …   64
 */

const EXACT_SIZES = 16;
const MAX_EXPONENT = 47;

/** Sizes of 2^48 bytes and more share the last class. */
export const SIZE_CLASS_COUNT = EXACT_SIZES + (MAX_EXPONENT - 3) * 8;

/** Class of a size given as two 32-bit halves. */
export function sizeClass(low: number, high: number): number {
  if (high === 0) {
    if (low < EXACT_SIZES) return low;
    const exponent = 31 - Math.clz32(low);
    return EXACT_SIZES + (exponent - 4) * 8 + ((low >>> (exponent - 3)) & 7);
  }
  const exponent = 63 - Math.clz32(high);
  if (exponent > MAX_EXPONENT) return SIZE_CLASS_COUNT - 1;
  const eighth = Math.floor((high * 2 ** 32 + low) / 2 ** (exponent - 3)) & 7;
  return EXACT_SIZES + (exponent - 4) * 8 + eighth;
}

/** Smallest size of a class. */
export function sizeClassMin(index: number): number {
  if (index < EXACT_SIZES) return index;
  const step = index - EXACT_SIZES;
  return (8 + (step % 8)) * 2 ** (Math.floor(step / 8) + 1);
}

/** Largest size of a class. */
export function sizeClassMax(index: number): number {
  return sizeClassMin(index + 1) - 1;
}
