/** `mp monitor`: heapy's monitor for running Pythons that were not prepared for it. */
import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline';
import { type Command, Option } from 'commander';
import { Monitor } from '../../monitor/monitor.ts';
import { PythonProcesses } from '../../monitor/python-processes.ts';
import { UserError } from '../../util/errors.ts';
import { formatPlural, printableLines } from '../../util/format.ts';
import type { Output } from '../../util/output.ts';
import { collectGarbage } from '../objects/collect-garbage.ts';
import { addPauseOptions, type HeapOptions, parsePid, readHeap } from '../objects/heap-options.ts';
import { addExample, defaultOutput } from '../reports/report-options.ts';
import { parseSize } from '../size.ts';

/** Where commands come from. */
export type MonitorInput = NodeJS.ReadableStream & { isTTY?: boolean };

interface MonitorCommandOptions extends HeapOptions {
  maxMemory: number;
}

const DEFAULT_MAX_MEMORY = 4 * 2 ** 30;
/** How often processes are looked for while the user thinks. */
const LOOK_MS = 2000;

export function register(program: Command, output?: Output, input?: MonitorInput): void {
  const command = program
    .command('monitor')
    .description('ask running Pythons about their objects, interactively, without any import in them')
    .argument('[pid...]', 'only these processes; also where the interpreter has another name', parsePids)
    .addOption(
      new Option('--max-memory <SIZE>', 'read no further heap while variables keep more than this of heaps')
        .argParser(parseSize)
        .default(DEFAULT_MAX_MEMORY, '4G'),
    );
  addPauseOptions(command).addHelpText('after', HELP);
  addExample(command, 'sudo mp monitor', "printf 'sc 1\\nint\\nhp.heap()\\n' | sudo mp monitor 1234");
  command.action((pids: number[], options: MonitorCommandOptions) =>
    run(pids, options, output ?? defaultOutput(), input ?? process.stdin),
  );
}

const HELP = `
  <Monitor> lc           lists the Python processes
  <Monitor> sc 1         connects to one
  <Annex> int            opens a console for it
  >>> hp.heap()          reads its objects and shows them by kind; help explains what else there is
  >>> -                  returns to the Annex, . to the Monitor; h explains the commands there, q leaves

Without a terminal, commands are read from stdin, one a line; the exit code is 1 if one of them failed.`;

function parsePids(text: string, pids: number[] = []): number[] {
  return [...pids, parsePid(text)];
}

async function run(pids: number[], options: MonitorCommandOptions, output: Output, input: MonitorInput): Promise<void> {
  const monitor = new Monitor({
    processes: new PythonProcesses(pids.length === 0 ? null : pids),
    readHeap: (pid) => readHeap(pid, options, output, (heap, names) => ({ heap, names })),
    say: (text) => output.out(`${text}\n`),
    columns: () => (input.isTTY && process.stdout.columns) || output.columns,
    maxKeptBytes: options.maxMemory,
  });
  if (input.isTTY) await converse(monitor, input, output);
  else await obey(monitor, input, output);
}

async function obey(monitor: Monitor, input: MonitorInput, output: Output): Promise<void> {
  let failures = 0;
  for await (const line of createInterface({ input })) {
    if (!answer(monitor, line, output)) failures++;
    if (monitor.isOver) break;
    await collectGarbage();
  }
  if (failures > 0) throw new UserError(`${formatPlural(failures, 'command')} failed`);
}

async function converse(monitor: Monitor, input: MonitorInput, output: Output): Promise<void> {
  const completer = (line: string) => monitor.complete(line);
  const lines = createInterface({ input, output: process.stdout, prompt: monitor.prompt, completer });
  const ask = () => {
    lines.setPrompt(monitor.prompt);
    lines.prompt();
  };
  lines.on('SIGINT', () => {
    monitor.interrupt();
    dropLine(lines);
    output.out('\n');
    ask();
  });
  const look = setInterval(() => {
    if (lookAround(monitor, lines, output)) ask();
  }, LOOK_MS);
  ask();
  try {
    for await (const line of lines) {
      answer(monitor, line, output);
      if (monitor.isOver) break;
      ask();
      await collectGarbage();
    }
    if (!monitor.isOver) output.out('\n');
  } finally {
    clearInterval(look);
    lines.close();
  }
}

/** What was being typed. */
function dropLine(lines: Interface): void {
  lines.write(null, { ctrl: true, name: 'e' });
  lines.write(null, { ctrl: true, name: 'u' });
}

/** Says what came and went in place of the prompt, unless something is being typed. */
function lookAround(monitor: Monitor, lines: Interface, output: Output): boolean {
  const news = output.isTTY && lines.line === '' ? monitor.look() : [];
  if (news.length === 0) return false;
  cursorTo(process.stdout, 0);
  clearLine(process.stdout, 0);
  output.out(`${news.join('\n')}\n`);
  return true;
}

/** A mistake does not end the conversation. False: it was one. */
function answer(monitor: Monitor, line: string, output: Output): boolean {
  try {
    monitor.handle(line);
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    output.err(`${printableLines(error.message)}\n`);
    return false;
  }
}
