/** The formats of `mp transform`, each in a file of its own that is loaded when it is asked for. */
import type { Exporter } from './samples.ts';

export interface Format {
  /** One line for `--help`. */
  description: string;
  /** Of the file that is written by default. */
  suffix: string;
  /** Not for a terminal. */
  isBinary?: boolean;
  /** There is one number for each stack, which `--count` chooses. */
  hasOneCount?: boolean;
  /** Threads are told apart; `option`: with `--split-threads`. Default: never. */
  threads?: 'always' | 'option';
  /** A shell command that shows the file. */
  viewer?: (file: string) => string;
  load(): Promise<Exporter>;
}

export const FORMATS: Record<string, Format> = {
  gprof2dot: {
    description: 'JSON from which gprof2dot draws a call graph, as by memray',
    suffix: '.json',
    hasOneCount: true,
    viewer: (file) => `gprof2dot -f json ${file} | dot -Tpng -o graph.png`,
    load: async () => (await import('./gprof2dot.ts')).gprof2dot,
  },
  csv: {
    description: "one record per stack, thread and allocator; memray's columns, then more",
    suffix: '.csv',
    threads: 'always',
    load: async () => (await import('./csv.ts')).csv,
  },
  speedscope: {
    description: 'JSON for https://www.speedscope.app; bytes and allocations of each process',
    suffix: '.speedscope.json',
    threads: 'option',
    viewer: (file) => `npx speedscope ${file}`,
    load: async () => (await import('./speedscope.ts')).speedscope,
  },
  pprof: {
    description: 'gzipped profile.proto for pprof, Parca, Pyroscope and others, with labels',
    suffix: '.pb.gz',
    isBinary: true,
    threads: 'always',
    viewer: (file) => `go tool pprof -http=: ${file}`,
    load: async () => (await import('./pprof.ts')).pprof,
  },
  collapsed: {
    description: 'folded stacks, one per line, for flamegraph.pl and others',
    suffix: '.collapsed.txt',
    hasOneCount: true,
    threads: 'option',
    viewer: (file) => `flamegraph.pl --countname=bytes ${file} > flamegraph.svg`,
    load: async () => (await import('./collapsed.ts')).collapsed,
  },
  massif: {
    description: "Valgrind massif's file, of one process: memory over time, peak and leaks as trees",
    suffix: '.massif.out',
    viewer: (file) => `ms_print ${file}`,
    load: async () => (await import('./massif.ts')).massif,
  },
  parquet: {
    description: 'Apache Parquet, one row per stack, thread and allocator, for DuckDB, pandas, Spark',
    suffix: '.parquet',
    isBinary: true,
    threads: 'always',
    viewer: (file) => `duckdb -c "SELECT function, sum(bytes) FROM '${file}' GROUP BY 1 ORDER BY 2 DESC LIMIT 9"`,
    load: async () => (await import('./parquet.ts')).parquet,
  },
};
