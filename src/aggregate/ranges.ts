/**
 * The live mappings of one process: address ranges that munmap may take away in pieces.
 *
 * A mapping counts its requested bytes, the kernel works on whole pages (4 KiB). mmap of 10,000 bytes at page 8:
 *
 *     pages       8         9         10
 *     bytes    [4096      |4096      |1808 . . .]      end: page 11, bytes: 10,000
 *
 *     munmap page 9    ->  [8, 9) 4096 bytes, [10, 11) 1808 bytes: one block more, 5904 bytes live
 *     munmap page 10   ->  [8, 9) 4096 bytes: the piece ends and takes its 1808 bytes along
 *
 * Only the last page of a piece can count less than a page, so a piece needs nothing but its range and its bytes.
 *
 * Pieces stand sorted in one array: a process has at most 65,530 mappings (vm.max_map_count), inserting moves a few
 * hundred kilobytes in the worst case, and each of these events has cost its thread a system call.
 */

const PAGE_BYTES = 4096;

/** First address behind the pages of a range. Exact above 2^53 too, as long as `start` is the start of a page. */
export function pageEnd(start: number, bytes: number): number {
  return start + Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

export interface Range {
  start: number;
  end: number;
}

interface Piece extends Range {
  bytes: number;
  site: number;
  sequence: number;
  /** Tick at which the interval began that it was made in. */
  birth: number;
  isWhole: boolean;
}

/** What a cut did to one piece. */
export interface Cut extends Range {
  site: number;
  /** Freed. */
  bytes: number;
  /** Blocks more: -1 the piece is gone, 0 it is shorter, 1 there is a hole in it. */
  blocks: -1 | 0 | 1;
  /** True if the whole of a mapping that was never cut went at once. */
  isWhole: boolean;
  /** That of the allocating thread when the mapping was made. */
  sequence: number;
  birth: number;
}

export class Mappings {
  readonly #pieces: Piece[] = [];

  get count(): number {
    return this.#pieces.length;
  }

  /** Adds a mapping. The caller has cut its range out before. */
  add(start: number, bytes: number, site: number, sequence: number, birth: number): void {
    this.#insert({ start, end: pageEnd(start, bytes), bytes, site, sequence, birth, isWhole: true });
  }

  /** Adds what was left of a mapping, whenever it was made. */
  restore(start: number, end: number, bytes: number, site: number, birth: number): void {
    this.#insert({ start, end, bytes, site, sequence: 0, birth, isWhole: false });
  }

  #insert(piece: Piece): void {
    this.#pieces.splice(this.#firstBehind(piece.start), 0, piece);
  }

  /** Frees [start, end). Tells `visit` of every piece that it met and returns whether there was one. */
  cut(start: number, end: number, visit: (cut: Cut) => void): boolean {
    const pieces = this.#pieces;
    const first = this.#firstBehind(start);
    let at = first;
    const rest: Piece[] = [];
    for (; at < pieces.length && pieces[at]!.start < end; at++) {
      const piece = pieces[at]!;
      const left = pieceOf(piece, piece.start, Math.max(piece.start, start));
      const right = pieceOf(piece, Math.min(piece.end, end), piece.end);
      if (left.bytes > 0) rest.push(left);
      if (right.bytes > 0) rest.push(right);
      const blocks = ((left.bytes > 0 ? 1 : 0) + (right.bytes > 0 ? 1 : 0) - 1) as -1 | 0 | 1;
      visit({
        start: Math.max(piece.start, start),
        end: Math.min(piece.end, end),
        site: piece.site,
        bytes: piece.bytes - left.bytes - right.bytes,
        blocks,
        isWhole: piece.isWhole && blocks < 0,
        sequence: piece.sequence,
        birth: piece.birth,
      });
    }
    if (at === first) return false;
    pieces.splice(first, at - first, ...rest);
    return true;
  }

  /** The ranges of all pieces, in order. */
  ranges(): Range[] {
    return this.#pieces.map(({ start, end }) => ({ start, end }));
  }

  /** Tells of every piece, in order. */
  visit(visitor: (address: number, bytes: number, site: number, birth: number, end: number) => void): void {
    for (const { start, end, bytes, site, birth } of this.#pieces) visitor(start, bytes, site, birth, end);
  }

  /** Index of the first piece that ends behind `address`. */
  #firstBehind(address: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#pieces[middle]!.end <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The part [start, end) of a piece; without bytes if that is empty. */
function pieceOf(piece: Piece, start: number, end: number): Piece {
  // By offsets: the end of the requested bytes may be no double, above 2^53.
  const bytes = Math.max(0, Math.min(end - piece.start, piece.bytes) - (start - piece.start));
  const { site, sequence, birth } = piece;
  return { start, end, bytes, site, sequence, birth, isWhole: false };
}
