/** `mp trace`: attach to processes that are already running. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { TargetSelection } from '../../native/binding.ts';
import { UserError } from '../../util/errors.ts';
import { ownerUnderSudo } from '../../util/new-file.ts';
import { audienceOf, recordInView } from '../live/live-recording.ts';
import { readCaller } from '../recording/caller.ts';
import { findCgroup } from '../recording/cgroup.ts';
import { record } from '../recording/record.ts';
import { captureMeta } from '../recording/record-facts.ts';
import { addRecordOptions, type RecordOptions, sessionOptions } from '../recording/record-options.ts';
import type { RecordRequest } from '../recording/record-protocol.ts';
import { tracerOf, tracers } from '../registry.ts';
import { snapshotRequest } from '../snapshots/snapshot-options.ts';

interface TraceOptions extends RecordOptions {
  pid?: number[];
  comm?: string;
  cgroup?: string;
  all?: boolean;
}

/** `12,34` → [12, 34]; repeated options add up. */
export function parsePids(text: string, previous: number[] = []): number[] {
  const pids = text.split(',').map(Number);
  if (!pids.every((pid) => Number.isInteger(pid) && pid > 0))
    throw new InvalidArgumentError('Give process ids, e.g. 1234 or 1234,1240.');
  return [...new Set([...previous, ...pids])];
}

export function register(program: Command, setWaitStatus: (status: number) => void): void {
  const command = program
    .command('trace')
    .description('attach to running processes and record their allocations until Ctrl-C or their end')
    .option('--pid <PID,…>', 'processes to attach to', parsePids)
    .option('--comm <NAME>', 'every process of that name, also those that begin later')
    .option('--cgroup <PATH>', 'every process in that cgroup, or in the container with an id that begins so')
    .option('--all', 'every process of this machine')
    .addHelpText(
      'after',
      '\nExamples:\n  sudo mp trace --pid 1234 --duration 60\n  sudo mp trace --comm nginx\n' +
        '  sudo mp trace --cgroup /system.slice/ssh.service\n  sudo mp trace --all --duration 10\n',
    );
  addRecordOptions(command, false);
  command.action(async (options: TraceOptions) => {
    const { target, name, title, selection } = targetsOf(options);
    const audience = await audienceOf(options, null);
    if (audience === 'here') return setWaitStatus(await recordInView());
    await record(
      {
        session: sessionOptions(options, selection),
        target,
        output: options.output ?? null,
        name,
        force: options.force ?? false,
        aggregate: options.aggregate ?? false,
        events: options.events ?? false,
        durationMs: options.duration === undefined ? null : options.duration * 1000,
        snapshots: snapshotRequest(options),
        meta: captureMeta('trace', title, options),
        owner: ownerUnderSudo(),
      },
      { isQuiet: options.quiet ?? false, ignoredSignals: readCaller().ignoredSignals, audience },
    );
  });
}

interface Targets {
  target: RecordRequest['target'];
  /** Part of the default path; null: the name of the first process. */
  name: string | null;
  /** What was traced, in reports. */
  title: string;
  selection?: TargetSelection;
}

function targetsOf({ pid: pids = [], comm, cgroup, all }: TraceOptions): Targets {
  const ways = [pids.length > 0, comm !== undefined, cgroup !== undefined, all === true];
  if (!ways.includes(true)) throw new UserError('say what to trace: --pid PID, --comm NAME, --cgroup PATH or --all', 2);
  if (ways.filter(Boolean).length > 1) throw new UserError('give one of --pid, --comm, --cgroup and --all', 2);
  if (pids.length > 0) return processesOf(pids);
  const strangers = tracers();
  const selected = (title: string, name: string, selection: Omit<TargetSelection, 'strangers'>): Targets => ({
    target: { selection: title },
    name,
    title,
    selection: { ...selection, strangers },
  });
  if (comm !== undefined) {
    if (comm === '') throw new UserError('give the name of a process with --comm, as ps -e shows it', 2);
    return selected(`processes named ${comm}`, comm, { comm });
  }
  if (cgroup === undefined) return selected('all processes', 'all', {});
  const found = findCgroup(cgroup);
  return selected(`processes in cgroup ${found.path}`, basename(found.path) || 'cgroup', { cgroup: found });
}

function processesOf(pids: number[]): Targets {
  for (const pid of pids) {
    const tracer = tracerOf(pid);
    if (tracer !== null)
      throw new UserError(`process ${pid} is being traced already by mp (pid ${tracer}); use mp detach ${pid} first`);
  }
  return { target: { pids }, name: null, title: commandLineOf(pids[0]!) };
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
