/** `mp run`: start a program and record it from its first allocation. */
import { existsSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { UserError } from '../../util/errors.ts';
import { ownerUnderSudo } from '../../util/new-file.ts';
import { audienceOf, recordInView } from '../live/live-recording.ts';
import { readCaller } from '../recording/caller.ts';
import { record } from '../recording/record.ts';
import { captureMeta } from '../recording/record-facts.ts';
import { addRecordOptions, type RecordOptions, sessionOptions } from '../recording/record-options.ts';
import { snapshotRequest } from '../snapshots/snapshot-options.ts';

interface ProgramOptions {
  /** Python module. */
  m?: string;
  /** Python code. */
  c?: string;
  python: string;
  node: string;
}

interface RunOptions extends RecordOptions, ProgramOptions {
  user?: string;
}

/** What is executed: `added` by mp, then `given` by the user, the last words of mp's command line. */
export interface Invocation {
  added: string[];
  given: string[];
  /** Of the capture. */
  name: string;
}

const JAVASCRIPT = ['.js', '.mjs', '.cjs'];
const USAGE_ERROR = 2;

const USAGE = `[options] [--] <program | script> [args…]
       mp run [options] -m <module> [args…]
       mp run [options] -c <code> [args…]`;

const EXAMPLES = `
Examples:
  sudo mp run -o app.db -- ./app --its-own-option
  sudo mp run -m http.server 8000
  sudo mp run --node ./node-24/bin/node server.mjs --port 8080
`;

/**
 * What is executed for `mp run WORDS`, without mp's options: scripts run under their real interpreter.
 * @throws UserError if there is nothing to run.
 */
export function resolveProgram(words: string[], options: ProgramOptions): Invocation {
  const { m: module, c: code, python, node } = options;
  if (module !== undefined) return { added: [python, '-m'], given: [module, ...words], name: basename(module) };
  if (code !== undefined) {
    if (existsSync(code)) throw new UserError(`${code} is no code: remove the option -c to run a file`, USAGE_ERROR);
    return { added: [python, '-c'], given: [code, ...words], name: basename(python) };
  }
  const file = words[0];
  if (file === undefined)
    throw new UserError('say what to run: a program, a script, -m MODULE or -c CODE', USAGE_ERROR);
  const name = basename(file);
  const extension = extname(file);
  if (extension === '.py') return { added: [python], given: words, name };
  if (JAVASCRIPT.includes(extension)) return { added: [node], given: words, name };
  return { added: [], given: words, name };
}

/** `given` byte for byte, from the end of mp's own command line. In `-mMODULE` the first of them is part of a word. */
export function bytesOf(given: string[], ownArgs: Buffer[]): Buffer[] {
  const [first, ...others] = ownArgs.slice(-given.length) as [Buffer, ...Buffer[]];
  const optionLetters = first.toString().length - given[0]!.length;
  return [first.subarray(optionLetters), ...others];
}

/**
 * Puts `--` behind `-m MODULE` and `-c CODE`: as for python itself all that follows is the program's, also what looks
 * like an option.
 */
export function endOptionsAtProgram(words: string[], takesValue: (flag: string) => boolean): string[] {
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === '--' || !/^-\D/.test(word)) return words;
    // -qfo FILE, -qm MODULE, -mMODULE
    const flags = word.startsWith('--') ? [word] : Array.from(word.slice(1), (letter) => `-${letter}`);
    const index = flags.findIndex(takesValue);
    if (index === -1) continue;
    if (index === flags.length - 1) at++;
    const isProgram = flags[index] === '-m' || flags[index] === '-c';
    if (isProgram && at < words.length) return [...words.slice(0, at + 1), '--', ...words.slice(at + 1)];
  }
  return words;
}

class RunCommand extends Command {
  override parseOptions(words: string[]) {
    const takesValue = (flag: string) =>
      this.options.some((option) => option.required && (option.short === flag || option.long === flag));
    return super.parseOptions(endOptionsAtProgram(words, takesValue));
  }
}

/**
 * Python's own allocator is inlined in many builds, so that no probe sees it. With this variable objects come from malloc,
 * through functions that can be probed.
 */
export function withPythonMalloc(environment: Buffer[]): Buffer[] {
  const isSet = environment.some((variable) => variable.toString('latin1').startsWith('PYTHONMALLOC='));
  return isSet ? environment : [...environment, Buffer.from('PYTHONMALLOC=malloc')];
}

/** `--node "$NODE"` with an unset variable is not meant to run a file without a name. */
function parseInterpreter(path: string): string {
  if (path === '') throw new InvalidArgumentError('Give a path, or a name in PATH.');
  return path;
}

/** An interpreter that nobody asked for by name: how to give another. */
function explainMissing(error: unknown, { added }: Invocation, options: ProgramOptions): unknown {
  if (!(error instanceof UserError) || error.message !== `No such program: ${added[0]}`) return error;
  const option = added[0] === options.python ? '--python' : '--node';
  return new UserError(`${error.message}; give the interpreter with ${option} PATH`, error.exitCode);
}

const WAITING = 'The program starts when the first viewer has connected (with --no-wait: at once).';

export function register(program: Command, setWaitStatus: (status: number) => void): void {
  const command = new RunCommand('run')
    .description('run a program and record its allocations')
    .usage(USAGE)
    .argument('[program]', 'program or script')
    .argument('[args...]', 'its arguments')
    .passThroughOptions()
    .option('-m <MODULE>', 'run a Python module; what follows is for the module')
    .option('-c <CODE>', 'run Python code; what follows is for the code')
    .option('--user <NAME>', 'run the program as this user')
    .option('--python <PATH>', 'interpreter of .py files, -m and -c', parseInterpreter, 'python3')
    .option('--node <PATH>', 'interpreter of .js, .mjs and .cjs files', parseInterpreter, 'node')
    .addHelpText('after', EXAMPLES);
  addRecordOptions(command, true).action(async () => {
    const options = command.opts<RunOptions>();
    const invocation = resolveProgram(command.args, options);
    const audience = await audienceOf(options, WAITING);
    if (audience === 'here') return setWaitStatus(await recordInView());
    const { args: ownArgs, ...inherited } = readCaller();
    const targetArgv = [...invocation.added.map((word) => Buffer.from(word)), ...bytesOf(invocation.given, ownArgs)];
    const recording = record(
      {
        session: sessionOptions(options),
        target: {
          launch: {
            ...inherited,
            environment: options.tracePythonAllocators
              ? withPythonMalloc(inherited.environment)
              : inherited.environment,
            file: targetArgv[0]!,
            arguments: targetArgv,
            user: options.user ?? '',
          },
        },
        output: options.output ?? null,
        name: invocation.name,
        force: options.force ?? false,
        aggregate: options.aggregate ?? false,
        events: options.events ?? false,
        durationMs: options.duration === undefined ? null : options.duration * 1000,
        snapshots: snapshotRequest(options),
        meta: captureMeta('run', [...invocation.added, ...invocation.given].join(' '), options),
        owner: ownerUnderSudo(),
      },
      { isQuiet: options.quiet ?? false, ignoredSignals: inherited.ignoredSignals, audience },
    );
    const status = await recording.catch((error) => {
      throw explainMissing(error, invocation, options);
    });
    if (status === null) throw new UserError(`it is not known how ${invocation.name} ended`, 125);
    setWaitStatus(status);
  });
  program.addCommand(command);
}
