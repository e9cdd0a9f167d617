import type { Command } from 'commander';
import { checkSelection } from '../../report/selection.ts';
import { UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { addExample, addIdOptions, defaultOutput } from '../reports/report-options.ts';

/** Lines that are written at once. */
const LINES = 1000;

interface DumpOptions {
  json?: boolean;
  pid?: number;
  thread?: number;
}

export function register(program: Command, output?: Output): void {
  const command = program
    .command('dump')
    .description('every single event, one to a line (of a capture recorded with --events)')
    .argument('<capture>', 'capture file')
    .option('--json', 'print each event as JSON');
  addExample(addIdOptions(command), 'mp dump mp-app.42.db | grep mmap');
  command.action(async (path: string, options: DumpOptions) => {
    const to = output ?? defaultOutput();
    if (to.isTTY) throw new UserError(`A terminal is no place for every event: mp dump ${path} > FILE`);
    await dump(path, options, to);
  });
}

async function dump(path: string, { json = false, pid, thread }: DumpOptions, output: Output): Promise<void> {
  const { openReader } = await import('../../store/db.ts');
  const { EVENT_COLUMNS, eventRows } = await import('../../store/events.ts');
  const { Reader } = await import('../../store/reader.ts');
  const db = openReader(path);
  const [pidAt, tidAt] = [EVENT_COLUMNS.indexOf('pid'), EVENT_COLUMNS.indexOf('tid')];
  try {
    const rows = eventRows(db);
    checkSelection(new Reader(db), { pid: pid ?? null, tid: thread ?? null });
    let lines: string[] = json ? [] : [EVENT_COLUMNS.join('\t')];
    for (const row of rows) {
      if ((pid !== undefined && row[pidAt] !== pid) || (thread !== undefined && row[tidAt] !== thread)) continue;
      lines.push(json ? jsonOf(EVENT_COLUMNS, row) : row.map((value) => value ?? '-').join('\t'));
      if (lines.length < LINES) continue;
      output.out(`${lines.join('\n')}\n`);
      lines = [];
    }
    if (lines.length > 0) output.out(`${lines.join('\n')}\n`);
  } finally {
    db.close();
  }
}

function jsonOf(columns: readonly string[], row: unknown[]): string {
  return JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}
