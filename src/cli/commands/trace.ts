/** `mp trace`: attach to processes that are already running. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { UserError } from '../../util/errors.ts';
import { ownerUnderSudo } from '../../util/new-file.ts';
import { readCaller } from '../caller.ts';
import { record } from '../record.ts';
import { captureMeta } from '../record-facts.ts';
import { addLaterOptions, addRecordOptions, type RecordOptions, sessionOptions } from '../record-options.ts';
import { tracerOf } from '../registry.ts';

interface TraceOptions extends RecordOptions {
  pid?: number[];
}

/** `12,34` → [12, 34]; repeated options add up. */
export function parsePids(text: string, previous: number[] = []): number[] {
  const pids = text.split(',').map(Number);
  if (!pids.every((pid) => Number.isInteger(pid) && pid > 0))
    throw new InvalidArgumentError('Give process ids, e.g. 1234 or 1234,1240.');
  return [...new Set([...previous, ...pids])];
}

export function register(program: Command): void {
  const command = program
    .command('trace')
    .description('attach to running processes and record their allocations until Ctrl-C or their end')
    .option('--pid <PID,…>', 'processes to attach to', parsePids)
    .addHelpText('after', '\nExample:\n  sudo mp trace --pid 1234 --duration 60\n');
  addRecordOptions(addLaterOptions(command, ['--comm <NAME>', '--cgroup <PATH>', '--all']), false);
  command.action(async (options: TraceOptions) => {
    const pids = options.pid ?? [];
    if (pids.length === 0) throw new UserError('say what to trace: --pid PID', 2);
    for (const pid of pids) {
      const tracer = tracerOf(pid);
      if (tracer !== null)
        throw new UserError(`process ${pid} is being traced already by mp (pid ${tracer}); use mp detach ${pid} first`);
    }
    await record(
      {
        session: sessionOptions(options),
        target: { pids },
        output: options.output ?? null,
        name: null,
        force: options.force ?? false,
        durationMs: options.duration === undefined ? null : options.duration * 1000,
        meta: captureMeta('trace', commandLineOf(pids[0]!), options),
        owner: ownerUnderSudo(),
      },
      { isQuiet: options.quiet ?? false, ignoredSignals: readCaller().ignoredSignals },
    );
  });
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
