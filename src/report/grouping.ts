/**
 * Whose memory it is: sites by process, command, cgroup, thread or allocator.
 *
 *     pid   image  comm    cgroup    by process          by comm    by cgroup
 *     4171  1      bash    /a        4171 bash -c make   bash       /a
 *     4171  2      make    /a        4171 make -j2       make       /a          an exec: one pid, two images
 *     4183  3      gcc     /a        4183 gcc -c a.c     gcc        /a
 *     4199  4      gcc     /b        4199 gcc -c b.c     gcc        /b
 */
import type { Capture } from './report.ts';
import type { ProcessRow } from './source.ts';

export const GROUPINGS = ['process', 'comm', 'cgroup', 'thread', 'allocator'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** What JSON has of a group: its name, and the facts by which it is known. */
export interface GroupColumns {
  /** As the target wrote it: to be escaped. */
  group: string;
  pid?: number;
  comm?: string | null;
  command_line?: string | null;
  cgroup?: string | null;
  tid?: number;
  thread_name?: string | null;
  allocator?: string;
}

export interface Group {
  /** Two images of a process may have the same name. */
  id: number;
  columns: GroupColumns;
}

/** Where a name is not known. */
const UNKNOWN = '(unknown)';

/** Title of a column of groups. */
export const GROUP_TITLE: Record<Grouping, string> = {
  process: 'Process',
  comm: 'Command',
  cgroup: 'Cgroup',
  thread: 'Thread',
  allocator: 'Allocator',
};

/** What tells whose a site is. */
export interface Member {
  process_id: number;
  thread_id: number;
  allocator: string;
}

/** The groups of one capture. Sites of one group get the same object. */
export class Groups {
  readonly #by: Grouping;
  readonly #processes: Map<number, ProcessRow>;
  readonly #threads: Map<number, { tid: number; name: string | null }>;
  readonly #groups = new Map<string | number | null, Group>();

  constructor({ source, facts }: Capture, by: Grouping) {
    this.#by = by;
    this.#processes = new Map(facts.processes.map((process) => [process.id, process]));
    this.#threads = new Map(by === 'thread' ? source.all('threads').map((thread) => [thread.id, thread]) : []);
  }

  of(site: Member): Group {
    const key = this.#key(site);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { id: this.#groups.size, columns: this.#columns(site) };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** The process of a site, whatever images it had: that of its first one. */
  processOf(site: Pick<Member, 'process_id'>): number {
    let id = site.process_id;
    for (let row = this.#processes.get(id); row?.origin === 'exec' && row.parent_id !== null; ) {
      // An image is recorded after the one that it replaces, which rules out cycles in a damaged capture.
      if (row.parent_id >= id) break;
      id = row.parent_id;
      row = this.#processes.get(id);
    }
    return id;
  }

  #key({ process_id, thread_id, allocator }: Member): string | number | null {
    const process = this.#processes.get(process_id);
    switch (this.#by) {
      case 'process':
        return process_id;
      case 'comm':
        return process?.comm || null;
      case 'cgroup':
        return process?.cgroup || null;
      case 'thread':
        return thread_id;
      case 'allocator':
        return allocator;
    }
  }

  #columns(site: Member): GroupColumns {
    const process = this.#processes.get(site.process_id);
    const [pid, comm, cgroup] = [process?.pid ?? 0, process?.comm || null, process?.cgroup || null];
    switch (this.#by) {
      case 'process': {
        const command_line = process?.command_line || null;
        return { group: `${pid} ${command_line ?? comm ?? UNKNOWN}`, pid, comm, command_line };
      }
      case 'comm':
        return { group: comm ?? UNKNOWN, comm };
      case 'cgroup':
        return { group: cgroup ?? UNKNOWN, cgroup };
      case 'thread': {
        const { tid, name } = this.#threads.get(site.thread_id) ?? { tid: 0, name: null };
        return { group: name ? `${tid} ${name}` : `${tid}`, pid, comm, tid, thread_name: name };
      }
      case 'allocator':
        return { group: site.allocator, allocator: site.allocator };
    }
  }
}
