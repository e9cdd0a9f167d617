/**
 * Ranges whose munmap must have happened but has not been reported yet.
 *
 * munmap is reported behind its system call, when the range is already free. In between another thread may be given it:
 *
 *     thread 1                          thread 2                       reported
 *     munmap [A, B): the kernel frees
 *                                       mmap -> [A, B)                 ALLOCATE [A, B)
 *     ... behind the system call                                       UNMAP [A, B)     must not end thread 2's mapping
 *
 * The kernel gives away only what is free (without MAP_FIXED), so an ALLOCATE over a live mapping proves that an UNMAP is
 * to come. The older mapping ends at once and the overlap is expected here; the UNMAP cancels itself against it. What
 * does not arrive within a second has been lost and is forgotten.
 */

import type { Range } from './ranges.ts';

const EXPIRES_NS = 1e9;

interface Expected extends Range {
  expiresNs: number;
}

export class ExpectedUnmaps {
  #expected: Expected[] = [];

  add(start: number, end: number, timeNs: number): void {
    this.#expected.push({ start, end, expiresNs: timeNs + EXPIRES_NS });
  }

  /** One that was told of by `visit`. */
  restore(start: number, end: number, expiresNs: number): void {
    this.#expected.push({ start, end, expiresNs });
  }

  visit(visitor: (start: number, end: number, expiresNs: number) => void): void {
    for (const { start, end, expiresNs } of this.#expected) visitor(start, end, expiresNs);
  }

  /** What of [start, end) was not expected. The rest of it is expected no longer. */
  cancel(start: number, end: number, timeNs: number): Range[] {
    let rest: Range[] = [{ start, end }];
    if (this.#expected.length === 0) return rest;
    const still: Expected[] = [];
    for (const expected of this.#expected) {
      if (expected.expiresNs < timeNs) continue;
      let open: Range[] = [expected];
      for (const range of rest) open = open.flatMap((part) => without(part, range));
      rest = rest.flatMap((range) => without(range, expected));
      for (const part of open) still.push({ ...part, expiresNs: expected.expiresNs });
    }
    this.#expected = still;
    return rest;
  }
}

/** `range` without `hole`: none, one or two ranges. */
function without(range: Range, hole: Range): Range[] {
  if (hole.end <= range.start || range.end <= hole.start) return [range];
  const parts: Range[] = [];
  if (range.start < hole.start) parts.push({ start: range.start, end: hole.start });
  if (hole.end < range.end) parts.push({ start: hole.end, end: range.end });
  return parts;
}
