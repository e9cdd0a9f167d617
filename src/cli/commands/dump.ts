import type { Command } from 'commander';
import { checkSelection } from '../../report/selection.ts';
import { UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { addExample, addIdOptions, addOutputOptions, defaultOutput, writeNamed } from '../reports/report-options.ts';

/** Lines that are written at once. */
const LINES = 1000;

interface DumpOptions {
  json?: boolean;
  pid?: number;
  thread?: number;
  output?: string;
  force?: boolean;
}

export function register(program: Command, output?: Output): void {
  const command = program
    .command('dump')
    .description('every single event, one to a line (of a capture recorded with --events)')
    .argument('<capture>', 'capture file');
  addExample(addOutputOptions(addIdOptions(command)), 'mp dump mp-app.42.db | grep mmap');
  command.action(async (path: string, options: DumpOptions) => {
    const to = output ?? defaultOutput();
    if (to.isTTY && options.output === undefined)
      throw new UserError(`A terminal is no place for every event: mp dump -o FILE ${path}`);
    const lines = await dump(path, options);
    if (options.output !== undefined) writeNamed(options.output, lines, path, options, to);
    else for (const chunk of lines) to.out(chunk);
  });
}

async function dump(path: string, options: DumpOptions): Promise<Iterable<string>> {
  const { openReader } = await import('../../store/db.ts');
  const { EVENT_COLUMNS, eventRows } = await import('../../store/events.ts');
  const { Reader } = await import('../../store/reader.ts');
  return (function* () {
    const db = openReader(path);
    try {
      const rows = eventRows(db);
      checkSelection(new Reader(db), { pid: options.pid ?? null, tid: options.thread ?? null });
      yield* linesOf(EVENT_COLUMNS, rows, options);
    } finally {
      db.close();
    }
  })();
}

/** In chunks of some lines. */
function* linesOf(columns: readonly string[], rows: Iterable<unknown[]>, options: DumpOptions): Iterable<string> {
  const { json = false, pid, thread } = options;
  const [pidAt, tidAt] = [columns.indexOf('pid'), columns.indexOf('tid')];
  let lines: string[] = json ? [] : [columns.join('\t')];
  for (const row of rows) {
    if ((pid !== undefined && row[pidAt] !== pid) || (thread !== undefined && row[tidAt] !== thread)) continue;
    lines.push(json ? jsonOf(columns, row) : row.map((value) => value ?? '-').join('\t'));
    if (lines.length < LINES) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

function jsonOf(columns: readonly string[], row: unknown[]): string {
  return JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}
