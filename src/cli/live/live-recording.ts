/**
 * Recording while somebody watches: from elsewhere (`--live-remote`), or on this terminal (`--live`). For the latter the
 * recording is another process, mp itself without that option, whose output and whose program's come through pipes:
 *
 *     mp run --live ./app             the view; reads the capture, and shows the last lines of what comes
 *       mp run --announce F ./app     the recording; writes the path of its capture into F
 *         ./app                       stdout and stderr are pipes, stdin is empty
 *
 * The view can't hold up the recording, nor end it: who quits sees the program go on as without `--live`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as setTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LiveEnd } from '../../tui/live-app.ts';
import { UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { OutputTail } from '../../util/output-tail.ts';
import { readCaller } from '../recording/caller.ts';
import { defaultOutput } from '../reports/report-options.ts';
import { followFile } from './live-file.ts';
import type { LiveRecordOptions } from './live-options.ts';
import { type Audience, inviteViewers } from './live-remote.ts';
import { viewLive } from './live-view.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const INTERVAL_MS = 1000;
const POLL_MS = 20;
const STARTING_MS = 500;
const STARTING = 'Starting the recording …';
const CLEAR_LINE = '\r\x1b[K';
/** Where what the recording says at its end begins. */
const CLOSING = 'Capture: ';
const GOES_ON = 'The recording goes on; Ctrl-C works as without --live.\n';

/**
 * Who watches: nobody, others, or the user `here`, by `recordInView`.
 * @param waiting what is said while the program waits for a viewer; null: nothing waits.
 */
export async function audienceOf(
  options: LiveRecordOptions,
  waiting: string | null,
): Promise<Audience | 'here' | null> {
  if (options.live) return 'here';
  if (options.liveRemote)
    return inviteViewers({
      port: options.livePort ?? 0,
      waits: waiting !== null && options.wait,
      waiting: waiting ?? '',
    });
  if (options.livePort !== undefined) throw new UserError('--live-port is for --live-remote', 2);
  if (!options.wait) throw new UserError('--no-wait is for --live-remote', 2);
  return options.announce === undefined ? null : announceIn(options.announce);
}

function announceIn(file: string): Audience {
  return { started: (path) => writeFileSync(file, path), finished: async () => undefined };
}

/** Records what this process was asked to record, and shows it. @returns the wait status of the recording. */
export async function recordInView(): Promise<number> {
  const output = defaultOutput();
  if (!output.isTTY || !process.stdin.isTTY || process.env.TERM === 'dumb')
    throw new UserError('--live needs a terminal; use --live-remote, or mp live CAPTURE in another shell');
  const folder = mkdtempSync(join(tmpdir(), 'mp-live-'));
  const announcement = join(folder, 'capture');
  const tail = new OutputTail();
  const recorder = startRecorder(announcement);
  for (const stream of [recorder.stdout!, recorder.stderr!]) stream.on('data', (bytes: Buffer) => tail.add(bytes));
  const ended = new Promise<number>((resolve) => {
    recorder.on('close', (code, signal) => resolve(signal === null ? (code ?? 1) << 8 : constants.signals[signal]));
    recorder.on('error', () => resolve(1 << 8));
  });
  const closed = passSignalsOn(recorder, ended);
  try {
    const path = await sayingStart(output, announced(announcement, recorder));
    if (path === null) {
      const status = await ended;
      output.err(tail.text);
      return status;
    }
    const program = { getOutput: () => tail.output, onOutput: tail.onOutput, closed };
    let end: LiveEnd = 'quit';
    try {
      end = await viewLive(followFile(path, INTERVAL_MS), path, output, undefined, program);
    } finally {
      leaveToTerminal(recorder, tail, output.err);
    }
    if (end === 'quit' && isRunning(recorder)) output.err(GOES_ON);
    // As a terminal does: to the program as well, and to whatever else stands in this line of the shell.
    if (end === 'interrupt') process.kill(0, 'SIGINT');
    return await ended;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What is typed is for the view; a signal that is sent to it is for the recording, and with it the view ends.
 * @returns resolves when the recording has ended after such a signal.
 */
function passSignalsOn(recorder: ChildProcess, ended: Promise<unknown>): Promise<void> {
  process.on('SIGINT', () => undefined);
  process.on('SIGQUIT', () => undefined);
  return new Promise((close) => {
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) {
      process.on(signal, () => {
        recorder.kill(signal);
        void ended.then(() => close());
      });
    }
  });
}

/** The same command, without the view. */
function startRecorder(announcement: string): ChildProcess {
  const { args } = readCaller();
  const own = args.slice(args.findIndex((argument) => argument.toString() === MAIN) + 1).map(textOf);
  const live = own.indexOf('--live');
  const words = [...own.slice(0, live), '--announce', announcement, ...own.slice(live + 1)];
  const note = (process.env.MP_CALLER ?? '').replace(/ files=[\d,]*/, ' files=0,1,2');
  return spawn(process.execPath, [...process.execArgv, MAIN, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MP_CALLER: note },
  });
}

/** @throws UserError if it would not arrive byte for byte. */
function textOf(argument: Buffer): string {
  const text = argument.toString();
  if (!Buffer.from(text).equals(argument))
    throw new UserError('--live takes arguments in UTF-8 only; use --live-remote for this program');
  return text;
}

/** With thousands of processes it takes a while. */
async function sayingStart<T>(output: Output, started: Promise<T>): Promise<T> {
  const timer = setTimer(() => output.err(STARTING), STARTING_MS);
  const result = await started;
  clearTimeout(timer);
  output.err(CLEAR_LINE);
  return result;
}

/** The path of the capture; null if the recording has ended before there was one. */
async function announced(file: string, recorder: ChildProcess): Promise<string | null> {
  while (isRunning(recorder)) {
    const path = readIfThere(file);
    if (path !== '') return path;
    await setTimeout(POLL_MS);
  }
  return readIfThere(file) || null;
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** From now on what the program writes goes to the terminal; so does what was said at the end, if it was. */
function leaveToTerminal(recorder: ChildProcess, tail: OutputTail, write: (text: string) => void): void {
  const text = `\n${tail.text}`;
  const closing = text.lastIndexOf(`\n${CLOSING}`);
  if (closing >= 0) write(text.slice(closing + 1));
  for (const stream of [recorder.stdout!, recorder.stderr!]) {
    stream.removeAllListeners('data');
    stream.on('data', (bytes: Buffer) => write(bytes.toString()));
  }
}
