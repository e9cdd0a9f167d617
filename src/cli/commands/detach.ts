/** `mp detach`: end the recording of a process from outside; the process goes on. */
import { setTimeout } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { UserError } from '../../util/errors.ts';
import { tracerOf } from '../registry.ts';

const PATIENCE_MS = 60_000;
const INTERVAL_MS = 20;

export function register(program: Command): void {
  program
    .command('detach')
    .description('ask the tracer of a process to stop and finish its capture')
    .argument('<pid>', 'the traced process, or the tracer, if that traces by name, by cgroup or all', (text) => {
      const pid = Number(text);
      if (!Number.isInteger(pid) || pid <= 0) throw new InvalidArgumentError('Give a process id.');
      return pid;
    })
    .addHelpText('after', '\nExample:\n  sudo mp detach 1234\n')
    .action(detach);
}

async function detach(pid: number): Promise<void> {
  const tracer = tracerOf(pid);
  if (tracer === null) throw new UserError(`process ${pid} is not being traced`);
  try {
    process.kill(tracer, 'SIGUSR1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM')
      throw new UserError(`no permission to stop the tracer of ${pid} (pid ${tracer}): run mp detach with sudo`);
  }
  for (let waited = 0; tracerOf(pid) === tracer; waited += INTERVAL_MS) {
    if (waited > PATIENCE_MS)
      throw new UserError(`the tracer of ${pid} (pid ${tracer}) has not finished yet; it was asked to`);
    await setTimeout(INTERVAL_MS);
  }
}
