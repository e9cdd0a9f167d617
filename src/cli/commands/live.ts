/** `mp live`: what is in use now, while it is recorded; or what was in use, when it has been. */
import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { connectTo } from '../live/live-connection.ts';
import { followFile, type LiveSource } from '../live/live-file.ts';
import { TOKEN_VARIABLE } from '../live/live-protocol.ts';
import { printLive, printReplay, viewLive } from '../live/live-view.ts';
import { parseSeconds } from '../recording/record-options.ts';
import { addExample, defaultOutput, parsePositive } from '../reports/report-options.ts';

interface LiveOptions {
  text?: boolean;
  json?: boolean;
  interval: number;
  count?: number;
  rows: number;
  replay?: boolean;
  speed?: number;
  token?: string;
}

const DEFAULT_ROWS = 20;
const MAX_SPEED = 65_536;

export function register(program: Command, output?: Output): void {
  const command = program
    .command('live')
    .description('what is in use now, by location, while it is recorded; or what was, in a replay')
    .argument('<capture|port>', 'capture file, or the port that --live-remote has said')
    .option('--token <TOKEN>', `the token that it has said (default: $${TOKEN_VARIABLE}, which nobody else sees)`)
    .option('--text', 'print a block for each look (default unless on a terminal)')
    .option('--json', 'print a line of JSON for each look')
    .option(
      '--interval <SECONDS>',
      'time from one look to the next; of a replay, as text, that of the recording',
      parseSeconds,
      1,
    )
    .option('--count <N>', 'end after N looks (default: when the recording ends)', parsePositive)
    .option(
      '--replay',
      'show a recording that has ended from its beginning (default: its end; on a terminal r replays it)',
    )
    .option('--speed <N>', 'replay it N times as fast, which may be 0.1', parseSpeed)
    .option('-n, --rows <N>', 'rows of a block', parsePositive, DEFAULT_ROWS);
  addExample(
    command,
    'mp live mp-app.42.db',
    `${TOKEN_VARIABLE}=5d0c… mp live 40123`,
    'mp live --text --interval 5 mp-app.42.db',
    'mp live --speed 10 mp-app.42.db',
    'mp live --replay --json --interval 0.5 mp-app.42.db',
  );
  command.action((path: string, options: LiveOptions) => run(path, options, output ?? defaultOutput()));
}

async function run(path: string, options: LiveOptions, output: Output): Promise<void> {
  const source = sourceOf(path, options);
  const replay = options.replay === true || options.speed !== undefined;
  const isText = options.text === true || options.json === true || options.count !== undefined;
  const isTerminal = output.isTTY && process.stdin.isTTY && process.env.TERM !== 'dumb';
  if (isText || !isTerminal) {
    const count = options.count ?? Number.POSITIVE_INFINITY;
    const text = { json: options.json === true, count, rows: options.rows };
    if (replay) await printReplay(source, output, text, options.interval * 1000);
    else await printLive(source, output, text);
    return;
  }
  await viewLive(source, path, output, { replay, speed: options.speed ?? 1 });
}

function parseSpeed(text: string): number {
  const speed = Number(text);
  if (!(speed > 0 && speed <= MAX_SPEED)) throw new InvalidArgumentError('Give a number above 0, e.g. 10 or 0.1.');
  return speed;
}

/** A file is taken for a port if it has such a name and does not exist. */
function sourceOf(name: string, { interval, token }: LiveOptions): LiveSource {
  const port = /^(?:(?:127\.0\.0\.1|localhost):)?(\d{1,5})$/.exec(name)?.[1];
  if (port === undefined || existsSync(name)) return followFile(name, interval * 1000);
  const given = token ?? process.env[TOKEN_VARIABLE];
  if (!given)
    throw new UserError(`say the token that was printed with the port: ${TOKEN_VARIABLE}=… mp live ${port}`, 2);
  // Arguments are seen by everybody: the title takes their place.
  if (token !== undefined) process.title = 'mp live';
  return connectTo(Number(port), given);
}
