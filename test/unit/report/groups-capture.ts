import { CaptureFixture } from '../helpers/capture-fixture.ts';

/**
 * A build in two cgroups; [allocations, bytes] at the high watermark, all of them live:
 *
 *     id  pid  origin  command line      comm    cgroup     thread    malloc, in main  calloc, in load
 *     1   10   launch  sh -c make        sh      /build/a   10 sh     1, 100           -
 *     2   10   exec    make all          make    /build/a   10 make   2, 200           -
 *     3   11   fork    gcc -c a.c        gcc     /build/a   11 gcc    4, 1000          1, 24
 *     4   12   fork    gcc -c b.c        gcc     /build/b   12 gcc    3, 500           1, 24
 *     5   13   fork    EVIL              EVIL    EVIL       13 EVIL   1, 1             -
 *                                                           14 EVIL   1, 1             -
 *     6   15   fork    (not known)       -       -          15        1, 8             -
 */
export function groupsCapture(path: string): void {
  const capture = new CaptureFixture(path);
  capture.meta({ mode: 'run', status: 'complete', command_line: 'sh -c make' });
  capture.losses({ ring_dropped: 0 });
  const module = capture.module('/usr/bin/tool');
  const main = capture.frame({ function: 'main', file: 'main.c', line: 3, module });
  const load = capture.frame({ function: 'load', file: 'load.c', line: 9, module });
  const add = (pid: number, origin: string, parent: number | null, texts: (string | null)[], tids = [pid]) => {
    const [command_line, comm, cgroup] = texts as [string | null, string | null, string | null];
    const process = capture.process({ pid, origin, parent_id: parent, command_line, comm, cgroup, started_ns: pid });
    return { process, threads: tids.map((tid) => capture.thread(process, tid, comm ?? '')) };
  };
  type Added = ReturnType<typeof add>;
  const site = ({ process }: Added, thread: number, allocator: string, frames: number[], sum: [number, number]) =>
    capture.site({ process, thread, allocator, stack: capture.stack(...frames), all: sum, peak: sum, live: sum });
  const sh = add(10, 'launch', null, ['sh -c make', 'sh', '/build/a']);
  const make = add(10, 'exec', sh.process, ['make all', 'make', '/build/a']);
  const first = add(11, 'fork', make.process, ['gcc -c a.c', 'gcc', '/build/a']);
  const second = add(12, 'fork', make.process, ['gcc -c b.c', 'gcc', '/build/b']);
  const evil = add(13, 'fork', make.process, [EVIL, EVIL, EVIL], [13, 14]);
  const unknown = add(15, 'fork', make.process, [null, null, null]);
  site(sh, sh.threads[0]!, 'malloc', [main], [1, 100]);
  site(make, make.threads[0]!, 'malloc', [main], [2, 200]);
  site(first, first.threads[0]!, 'malloc', [main], [4, 1000]);
  site(first, first.threads[0]!, 'calloc', [main, load], [1, 24]);
  site(second, second.threads[0]!, 'malloc', [main], [3, 500]);
  site(second, second.threads[0]!, 'calloc', [main, load], [1, 24]);
  site(evil, evil.threads[0]!, 'malloc', [main], [1, 1]);
  site(evil, evil.threads[1]!, 'malloc', [main], [1, 1]);
  site(unknown, unknown.threads[0]!, 'malloc', [main], [1, 8]);
  capture.close();
}

/** Clears the screen, breaks out of a page. */
export const EVIL = '\x1b[2J</script>\n';
