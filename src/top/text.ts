/**
 * How the tops of tracemalloctext write times, sizes, names and colours. They differ from mp's other reports on purpose:
 * sizes are whole numbers, and a unit is kept up to 5,119 of it.
 *
 *     formatSize(1572864)              1536 KiB
 *     formatSize(5242880)              5 MiB
 *     formatSize(-5000, true)          -5000 B
 *     formatFilename('/a/b/c/d.py')    .../b/c/d.py
 */
import { printable } from '../util/format.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const KEPT = 5 * 1024;

/** Functions that colour, or leave as it is. */
export interface Paint {
  bold(text: string): string;
  cyan(text: string): string;
  yellow(text: string): string;
}

export function paintOf(color: boolean): Paint {
  const paint = (code: string) => (text: string) => (color && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text);
  return { bold: paint('1'), cyan: paint('36'), yellow: paint('1;33') };
}

/** Cut towards zero. `sign`: a plus, too. */
export function formatInteger(value: number, sign = false): string {
  const whole = Math.trunc(value);
  return `${whole < 0 ? '-' : sign ? '+' : ''}${Math.abs(whole)}`;
}

export function formatSize(bytes: number, sign = false): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= KEPT && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${formatInteger(value, sign)} ${UNITS[unit]}`;
}

/** Local time: `2013-10-03 11:34:39`. */
export function formatTimestamp(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [String(time.getFullYear()).padStart(4, '0'), two(time.getMonth() + 1), two(time.getDate())];
  return `${day.join('-')} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}

/** The last `parts` parts of a path; `???` if it is not known. */
export function formatFilename(filename: string, parts: number, paint: Paint): string {
  if (filename === '') return '???';
  const all = filename.split('/');
  const shown = parts < all.length ? ['...', ...all.slice(-parts)] : all;
  const base = shown.pop()!;
  const path = shown.length > 0 ? `${shown.join('/')}/` : '';
  return paint.cyan(printable(path)) + printable(base);
}

/** `?` if it is not known. */
export function formatLine(line: number): string {
  return line > 0 ? String(line) : '?';
}

export function formatAddress(address: number, paint: Paint): string {
  return paint.bold(`0x${address.toString(16)}`);
}
