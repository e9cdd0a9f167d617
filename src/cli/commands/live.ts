/** `mp live`: what is in use now, while it is recorded. */
import type { Command } from 'commander';
import type { Output } from '../../util/output.ts';
import { followFile } from '../live-file.ts';
import { printLive, viewLive } from '../live-view.ts';
import { parseSeconds } from '../record-options.ts';
import { addExample, defaultOutput, parsePositive } from '../report-options.ts';

interface LiveOptions {
  text?: boolean;
  json?: boolean;
  interval: number;
  count?: number;
  rows: number;
}

const DEFAULT_ROWS = 20;

export function register(program: Command, output?: Output): void {
  const command = program
    .command('live')
    .description('what is in use now, by location, while it is recorded')
    .argument('<capture>', 'capture file')
    .option('--text', 'print a block for each look (default unless on a terminal)')
    .option('--json', 'print a line of JSON for each look')
    .option('--interval <SECONDS>', 'time from one look to the next', parseSeconds, 1)
    .option('--count <N>', 'end after N looks (default: when the recording ends)', parsePositive)
    .option('-n, --rows <N>', 'rows of a block', parsePositive, DEFAULT_ROWS);
  addExample(command, 'mp live mp-app.42.db', 'mp live --text --interval 5 mp-app.42.db');
  command.action((path: string, options: LiveOptions) => run(path, options, output ?? defaultOutput()));
}

async function run(path: string, options: LiveOptions, output: Output): Promise<void> {
  const source = followFile(path, options.interval * 1000);
  const isText = options.text === true || options.json === true || options.count !== undefined;
  const isTerminal = output.isTTY && process.stdin.isTTY && process.env.TERM !== 'dumb';
  if (isText || !isTerminal) {
    const count = options.count ?? Number.POSITIVE_INFINITY;
    await printLive(source, output, { json: options.json === true, count, rows: options.rows });
    return;
  }
  await viewLive(source, path, output);
}
