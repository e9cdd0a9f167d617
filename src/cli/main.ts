/**
 * The command line: argv to a command, and every failure to one sentence and an exit code. The only file that touches
 * process.argv and process.exit.
 */
import { constants } from 'node:os';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { VERSION } from '../model/version.ts';
import { StoreError, UserError } from '../util/errors.ts';
import { printableLines } from '../util/format.ts';
import { streamOutput } from '../util/output.ts';
import { writeStderr } from '../util/stderr.ts';
import { optionDescription } from './help.ts';

const USAGE_ERROR = 2;
const MIN_NODE = [20, 19];
const MAX_NODE_MAJOR = 24;

type Register = (program: Command) => void;

/** Wait status of the program that `mp run` ran. */
let waitStatus: number | null = null;

const setWaitStatus = (status: number): void => {
  waitStatus = status;
};

/** By what they are for, as `mp --help` shows them. Modules are loaded when asked for: starting mp must be quick. */
const COMMANDS: Record<string, Record<string, () => Promise<Register>>> = {
  'Record:': {
    run: async () => {
      const { register } = await import('./commands/run.ts');
      return (program) => register(program, setWaitStatus);
    },
    trace: async () => {
      const { register } = await import('./commands/trace.ts');
      return (program) => register(program, setWaitStatus);
    },
    detach: async () => (await import('./commands/detach.ts')).register,
  },
  'Read a capture, also while it is recorded:': {
    summary: async () => (await import('./commands/summary.ts')).register,
    table: async () => (await import('./commands/table.ts')).register,
    tree: async () => (await import('./commands/tree.ts')).register,
    stats: async () => (await import('./commands/stats.ts')).register,
    leaks: async () => (await import('./commands/leaks.ts')).register,
    flamegraph: async () => (await import('./commands/flamegraph.ts')).register,
    transform: async () => (await import('./commands/transform.ts')).register,
    dump: async () => (await import('./commands/dump.ts')).register,
    info: async () => (await import('./commands/info.ts')).register,
    sql: async () => (await import('./commands/sql.ts')).register,
  },
  'Watch and compare:': {
    live: async () => (await import('./commands/live.ts')).register,
    top: async () => (await import('./commands/top.ts')).register,
    snapshot: async () => (await import('./commands/snapshot.ts')).register,
    diff: async () => (await import('./commands/diff.ts')).register,
    check: async () => (await import('./commands/check.ts')).register,
  },
  'Objects of a running program:': {
    heap: async () => (await import('./commands/heap.ts')).register,
    objgraph: async () => (await import('./commands/objgraph.ts')).register,
    sizeof: async () => (await import('./commands/sizeof.ts')).register,
    monitor: async () => (await import('./commands/monitor.ts')).register,
  },
  'Help:': {
    doctor: async () => (await import('./commands/doctor.ts')).register,
  },
};

async function main(argv: string[]): Promise<void> {
  checkNode();
  const program = new Command('mp')
    .description('trace the memory allocations of running programs, exactly and from outside')
    .version(VERSION)
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ optionDescription })
    .configureOutput({
      writeOut: (text) => streamOutput(process.stdout, process.stderr, process.env).out(text),
      writeErr: writeStderr,
      outputError: (text) => writeStderr(text.replace(/^error: /, 'mp: ')),
    })
    .showHelpAfterError('(mp --help lists commands and options)')
    .addHelpText(
      'after',
      '\nExamples:\n  sudo mp run ./program\n  sudo mp trace --pid 1234\n  mp summary mp-program.1234.db\n',
    );
  const wanted = argv.find((argument) => !argument.startsWith('-')) ?? '';
  const isCommand = Object.values(COMMANDS).some((group) => wanted in group);
  for (const [heading, group] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const [name, load] of Object.entries(group)) if (!isCommand || name === wanted) (await load())(program);
  }
  program.helpCommand(true); // in the last group
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  await program.parseAsync(argv, { from: 'user' });
  if (waitStatus !== null) endAs(waitStatus);
}

function checkNode(): void {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  const isTooOld = major < MIN_NODE[0]! || (major === MIN_NODE[0] && minor < MIN_NODE[1]!);
  if (isTooOld || major >= MAX_NODE_MAJOR)
    throw new UserError(
      `Node ${process.versions.node} is not supported; use ${MIN_NODE.join('.')} or later, below ${MAX_NODE_MAJOR}`,
    );
}

const UNCATCHABLE = ['SIGKILL', 'SIGSTOP'];

/** Ends as the target of `mp run` ended: with its exit code, or by the same signal. */
function endAs(waitStatus: number): void {
  const signal = waitStatus & 0x7f;
  if (signal === 0) {
    process.exitCode = (waitStatus >> 8) & 0xff;
    return;
  }
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
  if (name) {
    // Node ignores some signals and uses others itself; a listener that comes and goes leaves the default
    if (!UNCATCHABLE.includes(name)) process.once(name as NodeJS.Signals, () => {}).removeAllListeners(name);
    process.kill(process.pid, name as NodeJS.Signals);
  }
  process.exitCode = 128 + signal; // in case it does not end a Node process
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR;
  if (error instanceof UserError) {
    writeStderr(`mp: ${printableLines(error.message)}\n`);
    return error.exitCode;
  }
  if (error instanceof StoreError) {
    writeStderr(`mp: the capture could not be read or written: ${printableLines(error.message)}\n`);
    return 1;
  }
  writeStderr(`mp: this is a bug in mp, please report it with the following lines:\n${inspect(error)}\n`);
  return 1;
}

// also what a stream says after its write, for example that the disk is full
process.on('uncaughtException', (error) => process.exit(exitCodeOf(error)));
try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
