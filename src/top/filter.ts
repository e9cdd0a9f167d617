/** Which allocations of a snapshot are looked at: by file and line of the code that made them. */
import type { Traceback } from './traceback.ts';

/** Compiled Python files stand for their source. */
function normalized(filename: string): string {
  return filename.replace(/\.py[co]$/, '.py');
}

function patternOf(text: string): RegExp {
  const parts = normalized(text)
    .split('*')
    .map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

/**
 * Includes or excludes what was allocated by a file, or by one line of it.
 *
 *     new Filter(true, '/srv/app/*')                only what files below /srv/app allocated
 *     new Filter(false, '/srv/*.py', 12)            not what line 12 of any script below /srv did
 *     new Filter(true, '*views.py', null, true)     what was allocated by views.py or by anything that it called
 */
export class Filter {
  readonly include: boolean;
  /** A path in which `*` stands for any characters. */
  readonly pattern: string;
  /** Null: any line. */
  readonly lineno: number | null;
  /** True: any frame of the traceback may match. False: only the most recent one. */
  readonly traceback: boolean;
  readonly #expression: RegExp;

  constructor(include: boolean, pattern: string, lineno: number | null = null, traceback = false) {
    this.include = include;
    this.pattern = pattern;
    this.lineno = lineno;
    this.traceback = traceback;
    this.#expression = patternOf(pattern);
  }

  /** Whether the filter lets a line through. */
  match(filename: string | null, lineno: number | null): boolean {
    return this.#isAt(filename, lineno) === this.include;
  }

  /** Whether the filter lets an allocation through. */
  matchTraceback(traceback: Traceback): boolean {
    const frames = this.traceback ? traceback : traceback.slice(0, 1);
    return frames.some(({ file, line }) => this.#isAt(file, line)) === this.include;
  }

  #isAt(filename: string | null, lineno: number | null): boolean {
    if (filename === null || (this.lineno !== null && this.lineno !== lineno)) return false;
    return this.#expression.test(normalized(filename));
  }
}

/** Some filter that includes lets it through, if there are any, and every one that excludes. */
export function passes(filters: readonly Filter[], traceback: Traceback): boolean {
  const including = filters.filter((filter) => filter.include);
  if (including.length > 0 && !including.some((filter) => filter.matchTraceback(traceback))) return false;
  return filters.every((filter) => filter.include || filter.matchTraceback(traceback));
}
