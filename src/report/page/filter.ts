/** The two lists that narrow the page to a process or a thread. */
/// <reference lib="dom" />
import type { FlamegraphData } from './format.ts';
import { element } from './shell.ts';

export interface Filter {
  /** Index of a process; null: all. */
  process: number | null;
  /** Null: all. */
  tid: number | null;
}

/** Fills the lists; one with a single choice is hidden. `onChange` gets what is chosen from then on. */
export function setUpFilter(data: FlamegraphData, initial: Filter, onChange: (filter: Filter) => void): void {
  const processes = element<HTMLSelectElement>('process');
  const threads = element<HTMLSelectElement>('thread');
  const filter = { ...initial };
  processes.append(new Option('All processes', ''));
  data.processes.forEach((process, i) => {
    processes.append(new Option(`${process.pid} ${process.name}`, String(i)));
  });
  const fillThreads = () => {
    const choices = threadChoices(data, filter.process);
    if (filter.tid !== null && !choices.has(filter.tid)) filter.tid = null;
    const options = [...choices].map(([tid, name]) => new Option(`${tid} ${name}`, String(tid)));
    threads.replaceChildren(new Option('All threads', ''), ...options);
    threads.value = filter.tid === null ? '' : String(filter.tid);
    threads.hidden = choices.size < 2;
  };
  processes.hidden = data.processes.length < 2;
  processes.value = filter.process === null ? '' : String(filter.process);
  fillThreads();
  processes.addEventListener('change', () => {
    filter.process = processes.value === '' ? null : Number(processes.value);
    fillThreads();
    onChange({ ...filter });
  });
  threads.addEventListener('change', () => {
    filter.tid = threads.value === '' ? null : Number(threads.value);
    onChange({ ...filter });
  });
}

/** Names by tid; a renamed thread is one thread with several names. */
function threadChoices(data: FlamegraphData, process: number | null): Map<number, string> {
  const names = new Map<number, Set<string>>();
  for (const thread of data.threads) {
    if (process !== null && thread.process !== process) continue;
    names.set(thread.tid, (names.get(thread.tid) ?? new Set()).add(thread.name));
  }
  const sorted = [...names].sort(([a], [b]) => a - b);
  return new Map(sorted.map(([tid, all]) => [tid, [...all].join(' / ')]));
}
