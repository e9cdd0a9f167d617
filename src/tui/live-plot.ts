/**
 * A plot of blocks, a column of text for each value. Eight levels per row, or two where the terminal's font has no other
 * blocks (the console of Linux):
 *
 *        ▂█        values 1 4 12 16 of at most 16, in two rows
 *     ▁▄ ██
 */

const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const HALVES = [' ', '▄', '█'];

/** Lines from top to bottom. What is not zero is seen. */
export function plotLines(values: number[], rows: number, highest: number, isFine: boolean): string[] {
  const glyphs = isFine ? EIGHTHS : HALVES;
  const perRow = glyphs.length - 1;
  const levels = values.map((value) => {
    if (value <= 0 || highest <= 0) return 0;
    return Math.max(1, Math.min(rows * perRow, Math.round((value / highest) * rows * perRow)));
  });
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * perRow;
    return levels.map((level) => glyphs[Math.max(0, Math.min(perRow, level - below))]).join('');
  });
}
