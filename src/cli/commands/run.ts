/** `mp run`: start a program and record it from its first allocation. */
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../../util/errors.ts';
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
    // set by bin/mp, and not the target's business
    const { MP_OPEN_FILES_LIMIT, MP_OPEN_FILES, ...environment } = process.env;
    const limit = Number(MP_OPEN_FILES_LIMIT);
    const status = await record(
      {
        session: { ringBytes: options.ringSize, probeMode: options.probe },
        target: {
          launch: {
            file: argv[0]!,
            arguments: argv,
            environment: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
            user: options.user ?? '',
            inheritedFiles: (MP_OPEN_FILES ?? '0 1 2').trim().split(' ').map(Number),
            openFilesLimit: Number.isInteger(limit) && limit > 0 ? limit : null,
          },
        },
        output: options.output ?? null,
        name: basename(file),
        force: options.force ?? false,
        durationMs: options.duration === undefined ? null : options.duration * 1000,
        meta: captureMeta('run', argv.join(' '), options),
        owner: ownerUnderSudo(),
      },
      options.quiet ?? false,
    );
    if (status === null) throw new UserError(`it is not known how ${file} ended`, 125);
    setWaitStatus(status);
  });
}
