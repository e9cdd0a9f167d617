/** `mp run`: start a program and record it from its first allocation. */
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../../util/errors.ts';
import { readCaller } from '../caller.ts';
import { record } from '../record.ts';
import { captureMeta, ownerUnderSudo } from '../record-facts.ts';
import { addLaterOptions, addRecordOptions, type RecordOptions } from '../record-options.ts';

interface RunOptions extends RecordOptions {
  user?: string;
  python: string;
  node: string;
}

const JAVASCRIPT = ['.js', '.mjs', '.cjs'];

/** What is executed for `mp run PROGRAM ARGS`: scripts run under their real interpreter. */
export function resolveProgram(program: string, args: string[], options: { python: string; node: string }): string[] {
  const extension = extname(program);
  if (extension === '.py') return [options.python, program, ...args];
  if (JAVASCRIPT.includes(extension)) return [options.node, program, ...args];
  return [program, ...args];
}

export function register(program: Command, setWaitStatus: (status: number) => void): void {
  const command = program
    .command('run')
    .description('run a program and record its allocations')
    .usage('[options] [--] <program | script> [args…]')
    .argument('<program>', 'program or script')
    .argument('[args...]', 'its arguments')
    .passThroughOptions()
    .option('--user <NAME>', 'run the program as this user')
    .option('--python <PATH>', 'interpreter of .py files', 'python3')
    .option('--node <PATH>', 'interpreter of .js, .mjs and .cjs files', 'node')
    .addHelpText('after', '\nExample:\n  sudo mp run -o app.db -- ./app --its-own-option\n');
  addRecordOptions(addLaterOptions(command, ['-m <module>', '-c <code>']));
  command.action(async (file: string, args: string[], options: RunOptions) => {
    const argv = resolveProgram(file, args, options);
    const { args: ownArgs, ...inherited } = readCaller();
    // the program's own arguments are the last ones, and an interpreter stands before them
    const given = ownArgs.slice(ownArgs.length - args.length - 1);
    const added = argv.slice(0, argv.length - given.length).map((text) => Buffer.from(text));
    const targetArgv = [...added, ...given];
    const status = await record(
      {
        session: { ringBytes: options.ringSize, probeMode: options.probe },
        target: {
          launch: {
            ...inherited,
            file: targetArgv[0]!,
            arguments: targetArgv,
            user: options.user ?? '',
          },
        },
        output: options.output ?? null,
        name: basename(file),
        force: options.force ?? false,
        durationMs: options.duration === undefined ? null : options.duration * 1000,
        meta: captureMeta('run', argv.join(' '), options),
        owner: ownerUnderSudo(),
      },
      { isQuiet: options.quiet ?? false, ignoredSignals: inherited.ignoredSignals },
    );
    if (status === null) throw new UserError(`it is not known how ${file} ended`, 125);
    setWaitStatus(status);
  });
}
