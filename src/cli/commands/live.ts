/** `mp live`: what is in use now, while it is recorded. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { connectTo } from '../live-connection.ts';
import { followFile, type LiveSource } from '../live-file.ts';
import { TOKEN_VARIABLE } from '../live-protocol.ts';
import { printLive, viewLive } from '../live-view.ts';
import { parseSeconds } from '../record-options.ts';
import { addExample, defaultOutput, parsePositive } from '../report-options.ts';

interface LiveOptions {
  text?: boolean;
  json?: boolean;
  interval: number;
  count?: number;
  rows: number;
  token?: string;
}

const DEFAULT_ROWS = 20;

export function register(program: Command, output?: Output): void {
  const command = program
    .command('live')
    .description('what is in use now, by location, while it is recorded')
    .argument('<capture|port>', 'capture file, or the port that --live-remote has said')
    .option('--token <TOKEN>', `the token that it has said (default: $${TOKEN_VARIABLE}, which nobody else sees)`)
    .option('--text', 'print a block for each look (default unless on a terminal)')
    .option('--json', 'print a line of JSON for each look')
    .option('--interval <SECONDS>', 'time from one look to the next', parseSeconds, 1)
    .option('--count <N>', 'end after N looks (default: when the recording ends)', parsePositive)
    .option('-n, --rows <N>', 'rows of a block', parsePositive, DEFAULT_ROWS);
  addExample(
    command,
    'mp live mp-app.42.db',
    `${TOKEN_VARIABLE}=5d0c… mp live 40123`,
    'mp live --text --interval 5 mp-app.42.db',
  );
  command.action((path: string, options: LiveOptions) => run(path, options, output ?? defaultOutput()));
}

async function run(path: string, options: LiveOptions, output: Output): Promise<void> {
  const source = sourceOf(path, options);
  const isText = options.text === true || options.json === true || options.count !== undefined;
  const isTerminal = output.isTTY && process.stdin.isTTY && process.env.TERM !== 'dumb';
  if (isText || !isTerminal) {
    const count = options.count ?? Number.POSITIVE_INFINITY;
    await printLive(source, output, { json: options.json === true, count, rows: options.rows });
    return;
  }
  await viewLive(source, path, output);
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
