/**
 * Rows of `resident` that are still to be written: all of a process whenever one of them is new, and again as long as a
 * stack has no names yet, because its names say whether a block is a Buffer's.
 */
import type { FrameTree, ResidentPoint, SiteIndex } from '../model/accounts.ts';
import { isBuffer, residentBytes } from '../model/resident.ts';
import type { ProcessIndex } from '../model/types.ts';

/** Number of the innermost node of a site's stack. */
export type NodeOf = (site: SiteIndex) => number;

export class ResidentRows {
  readonly #points = new Map<ProcessIndex, readonly ResidentPoint[]>();
  readonly #isBuffer = new Map<number, boolean>();
  /** Processes whose rows are as they will stay. */
  #settled: ProcessIndex[] = [];

  set(process: ProcessIndex, points: readonly ResidentPoint[]): void {
    this.#points.set(process, points);
  }

  /** Values of the columns behind `process_id`. A site whose node is `unresolved` is counted later. */
  *rows(tree: FrameTree, nodeOf: NodeOf, unresolved: number): Generator<{ process: ProcessIndex; rows: unknown[][] }> {
    this.#settled = [];
    for (const [process, points] of this.#points) {
      let isSettled = true;
      const rows = points.map((point) => {
        const { timeNs, v8HeapBytes, jitCodeBytes, brkBytes, anonymousBytes, stackBytes, fileBytes } = point;
        let buffers = point.live === null ? null : 0;
        point.live?.sites.forEach((site, i) => {
          const node = nodeOf(site);
          if (node === unresolved) isSettled = false;
          else if (this.#holdsBuffers(tree, node)) buffers! += point.live!.bytes[i]!;
        });
        const kinds = [v8HeapBytes, jitCodeBytes, brkBytes, anonymousBytes, stackBytes, fileBytes, point.sharedBytes];
        return [timeNs, residentBytes(point), ...kinds, point.untouchedBytes, buffers];
      });
      if (isSettled) this.#settled.push(process);
      yield { process, rows };
    }
  }

  /** What `rows` gave is in the file. */
  committed(): void {
    for (const process of this.#settled) this.#points.delete(process);
    this.#settled = [];
  }

  #holdsBuffers(tree: FrameTree, node: number): boolean {
    if (node <= 0) return false;
    let holds = this.#isBuffer.get(node);
    if (holds === undefined) {
      holds = isBuffer(functionsOf(tree, node));
      this.#isBuffer.set(node, holds);
    }
    return holds;
  }
}

/** Innermost first. */
function* functionsOf(tree: FrameTree, node: number): Generator<string | null> {
  for (let at = node; at > 0; at = tree.parentOf(at)) yield tree.frames.get(tree.frameOf(at)).function;
}
