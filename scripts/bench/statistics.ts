/** Numbers of a benchmark: medians over rounds, and how they are written in its table. */

/** A line of the table: what, and its value with unit. */
export type Row = [string, string];

/** What one part of the benchmark found: for the table, and for the JSON file. */
export interface Part {
  rows: Row[];
  result: Record<string, unknown>;
}

/** Throws if there is nothing to take it of. */
export function median(values: number[]): number {
  if (values.length === 0) throw new Error('no values to take the median of');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A ratio with three digits or, if it is large, all that are before the point: `1.04 x`, `23.4 x`, `131 x`. */
export function formatRatio(ratio: number): string {
  return `${ratio.toFixed(ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0)} x`;
}

export function formatRow([what, value]: Row): string {
  return `${what.padEnd(56)} ${value.padStart(16)}`;
}
