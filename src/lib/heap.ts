/**
 * The objects of a running CPython 3.8 to 3.13, read from outside: what `mp heap`, `mp objgraph`, `mp sizeof` and the
 * console of `mp monitor` ask. Nothing is imported in the process. It needs CAP_SYS_PTRACE, as root has it.
 *
 *     import { Heap } from 'mp';
 *     const heap = Heap.read(1234, { maxPauseMs: 500 });
 *     const before = heap.objects.partition;                    // rows of kind, count, size in bytes
 *     heap.objects.ofKinds('clodo', new Set(['dict of module'])).size;
 *     heap.find('app.cache').dominated().size;                  // bytes that would go with it
 *     heap.paths('Session[0]');                                 // ["modules['app'].__dict__['sessions'][0]"]
 *
 * Objects are indices in the columns of `heap.graph.heap`. What they are called is known of the memory that mp has copied,
 * up to 256 MiB of the process, and is asked of the process as it then is for the rest.
 */
import { backreferenceChain } from '../heap/chain.ts';
import { type DeepSize, DeepSizer } from '../heap/deep-size.ts';
import { HeapGraph } from '../heap/graph.ts';
import { ObjectSet } from '../heap/object-set.ts';
import { type Direction, type ReferenceTree, referenceTree, treeDot, treeText } from '../heap/reference-tree.ts';
import { pathText, shortestPaths } from '../heap/shortest-paths.ts';
import { type Growth, growth, leaking, mostCommon, type TypeCounts, typeCounts } from '../heap/type-counts.ts';
import type { HeapColumns, HeapNames, HeapProblems } from '../model/heap.ts';
import { type NativeError, openHeap } from '../native/binding.ts';
import { UserError } from '../util/errors.ts';

export interface ReadOptions {
  /** How long the process may stand still, in milliseconds; 0: it is read while it runs. Default: 10,000. */
  maxPauseMs?: number;
}

export interface CountingOptions {
  /** Types of one name count together, whatever module they are of. Default: true. */
  shortNames?: boolean;
  /** Also what the garbage collector does not track: str, int, … Default: false. */
  all?: boolean;
}

export interface TreeLimits {
  /** References in a row. Default: 3. */
  maxDepth?: number;
  /** References of one object that are followed. Default: 10. */
  tooMany?: number;
  /** Text has reference counts. Default: false. */
  referenceCounts?: boolean;
}

/** A tree of references with its two pictures. */
export interface DrawnTree extends ReferenceTree {
  /** Lines for people. */
  text: string;
  /** For graphviz. */
  dot: string;
}

const DEFAULT_MAX_PAUSE_MS = 10_000;
const MAX_CHAIN = 20;
const MAX_REFERENCES = 100;

export class Heap {
  readonly graph: HeapGraph;
  /** Milliseconds that the process stood still. */
  readonly pauseMs: number;
  /** It had to go on before all was read. */
  readonly wasCut: boolean;

  /** Of columns that were read before, as those of another Heap. */
  constructor(heap: HeapColumns, names: HeapNames, pause = { pauseMs: 0, wasCut: false }) {
    this.graph = new HeapGraph(heap, names);
    this.pauseMs = pause.pauseMs;
    this.wasCut = pause.wasCut;
  }

  /**
   * Reads all objects of a process. It stands still meanwhile, at most as long as is said.
   * @throws UserError if there is no such process, no CPython in it that mp knows, or no permission.
   */
  static read(pid: number, { maxPauseMs = DEFAULT_MAX_PAUSE_MS }: ReadOptions = {}): Heap {
    try {
      const native = openHeap(pid, maxPauseMs * 1e6);
      let columns: HeapColumns;
      let pause = { pauseNs: 0, wasCut: false };
      try {
        columns = native.read();
      } finally {
        pause = native.resume();
      }
      return new Heap(columns, native, { pauseMs: pause.pauseNs / 1e6, wasCut: pause.wasCut });
    } catch (error) {
      const { code, message } = error as NativeError;
      if (code === undefined) throw error;
      throw new UserError(message.split('\n')[0]!);
    }
  }

  /** What made no sense while it was read, counted: 0 of everything for a process that stood still. */
  get problems(): HeapProblems {
    return this.graph.heap.problems;
  }

  /** All of them. `.partition` has the rows of `mp heap`, `.groupedBy('rcs')` other ones. */
  get objects(): ObjectSet {
    return ObjectSet.all(this.graph);
  }

  /**
   * The object that is meant by `0x7f12…`, `module.attribute.path` or `Type[0]`, as a set of one.
   * @throws UserError if there is none.
   */
  find(what: string): ObjectSet {
    return ObjectSet.of(this.graph, [this.graph.resolve(what)]);
  }

  /** Types with the number of their objects, the most frequent first. */
  mostCommonTypes(limit = 10, options: CountingOptions = {}): [type: string, count: number][] {
    return mostCommon(this.counts(null, options)).slice(0, limit);
  }

  /** Types of which there are more objects than ever before; `peaks` is brought up to date, and empty at first. */
  growth(peaks: TypeCounts, options: CountingOptions = {}): Growth[] {
    return growth(this.counts(null, options), peaks);
  }

  /** Tracked objects that no tracked object refers to. */
  leaking(): ObjectSet {
    return ObjectSet.of(this.graph, leaking(this.graph));
  }

  /** What an object refers to. @throws UserError if there is no such object. */
  refs(what: string, limits: TreeLimits = {}): DrawnTree {
    return this.tree(what, 'refs', limits);
  }

  /** What refers to an object. @throws UserError if there is no such object. */
  backrefs(what: string, limits: TreeLimits = {}): DrawnTree {
    return this.tree(what, 'backrefs', limits);
  }

  /** The objects from a module to it; only itself if none leads to it. @throws UserError if there is no such object. */
  chain(what: string, maxDepth = MAX_CHAIN): number[] {
    return backreferenceChain(this.graph, this.graph.resolve(what), maxDepth);
  }

  /** All shortest ways from modules to an object, as `modules['app'].__dict__['cache'][3]`. @throws UserError */
  paths(what: string, limit = 10): string[] {
    return shortestPaths(this.graph, [this.graph.resolve(what)], limit).map((path) => pathText(this.graph, path));
  }

  /**
   * Bytes of objects with all that they lead to, each counted once, for the first that leads to it. `detail`: levels of
   * parts.
   * @throws UserError if there is no such object.
   */
  sizeof(what: string | readonly string[], detail = 0): DeepSize[] {
    const sizer = new DeepSizer(this.graph, MAX_REFERENCES);
    return [what].flat().map((one) => sizer.size(this.graph.resolve(one), detail));
  }

  private counts(objects: Iterable<number> | null, { shortNames = true, all = false }: CountingOptions): TypeCounts {
    return typeCounts(this.graph, objects, { shortNames, all });
  }

  private tree(what: string, direction: Direction, limits: TreeLimits): DrawnTree {
    const options = { direction, maxDepth: 3, tooMany: 10, referenceCounts: false, ...limits };
    const tree = referenceTree(this.graph, [this.graph.resolve(what)], options);
    return { ...tree, text: treeText(this.graph, tree, options), dot: treeDot(this.graph, tree, options) };
  }
}
