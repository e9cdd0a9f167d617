import { InvalidArgumentError } from 'commander';

/** Bytes, by the letter that is written. */
export const UNITS: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `4096`, `512K`, `1.5 MiB`, `2GB`: bytes; units are powers of 1024, however they are written. */
export function parseSize(text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  if (!match) throw new InvalidArgumentError('Give a size, e.g. 4096, 512K, 1.5M or 2G.');
  return Math.floor(Number(match[1]) * UNITS[match[2]!.toUpperCase()]!);
}
