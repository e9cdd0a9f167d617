/**
 * How numbers, times and names look in every text report, so that two reports never print one value in two ways.
 *
 *     formatBytes(1293942)            1.234 MiB      binary units, three decimals; below 1 KiB exact bytes
 *     formatCount(1293942)            1,293,942
 *     formatPercent(1, 3)             33.33%
 *     formatDuration(12_345_000_000)  12.35 s
 *     shortenName('std::vector<int, std::allocator<int> >::push_back(int&&)', 30)  std::vector<…>::push_back(…)
 */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `1.234 MiB`. The unit moves up when rounding would print 1024.000 of it. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1023.9995 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(3)} ${UNITS[unit]}`;
}

/** `1.234 MiB (1,293,942 bytes)`; small values only once. */
export function formatExactBytes(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${formatBytes(bytes)} (${formatCount(bytes)} bytes)`;
}

/** Digits in groups of three, whatever the locale. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `3 allocations`, `1 allocation`. */
export function formatPlural(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** A difference: `+1.000 KiB`, `-1.000 KiB`, `0 B`. */
export function formatSigned(value: number, format: (value: number) => string): string {
  if (value === 0) return format(0);
  return value > 0 ? `+${format(value)}` : `-${format(-value)}`;
}

/** Share with two decimals; of nothing, 0.00%. */
export function formatPercent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(2)}%`;
}

/** Nanoseconds as the two most useful units: `350 ms`, `12.35 s`, `1 min 23 s`, `2 h 5 min`. */
export function formatDuration(ns: number): string {
  const seconds = ns / 1e9;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.995) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment, to the hundredth of a second: `83.25 s`. */
export function formatSeconds(ns: number): string {
  return `${(ns / 1e9).toFixed(2)} s`;
}

/** A moment with as many digits as it has, at least two: `83.25 s`, `83.250000017 s`. */
export function formatExactSeconds(ns: number): string {
  return `${(ns / 1e9).toFixed(9).replace(/0{1,7}$/, '')} s`;
}

/**
 * Text that a traced program chose (names, paths, arguments) without power over the terminal: control characters and
 * bidirectional overrides become visible escapes.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (c) => {
    const code = c.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** The same for what has lines of its own, such as an error with its explanation. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Cuts the end: `abcdef` → `abcd…`. */
export function cutEnd(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Cuts the beginning: `abcdef` → `…cdef`. */
export function cutStart(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width
    ? text
    : `…${characters.slice(characters.length - Math.max(0, width - 1)).join('')}`;
}

/**
 * A path keeps its end, which tells more: `/usr/src/app/lib/pool.c:12` → `…/lib/pool.c:12`. That a module is Node's own is
 * said by its beginning: `node:internal/timers:523` → `node:…/timers:523`.
 */
export function shortenPath(path: string, width: number): string {
  if (path.length <= width) return path;
  if (path.startsWith(NODE) && width >= MIN_NODE)
    return NODE + shortenPath(path.slice(NODE.length), width - NODE.length);
  for (let slash = path.indexOf('/', 1); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    if (path.length - slash + 1 <= width) return `…${path.slice(slash)}`;
  }
  return cutStart(path, width);
}

const NODE = 'node:';
const MIN_NODE = 12;

/** Lines of at most `width` columns, broken at spaces; all but the first are indented. A longer word stays whole. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
