import type { Command } from 'commander';
import { infoJson, infoText } from '../../report/info.ts';
import { READY_QUERIES, readyQueriesText } from '../../report/ready-queries.ts';
import type { Output } from '../../util/output.ts';
import {
  addExample,
  addOutputOptions,
  defaultOutput,
  emit,
  layoutOf,
  type ReportOptions,
  withCapture,
} from '../reports/report-options.ts';

export function register(program: Command, output?: Output): void {
  const command = program
    .command('info')
    .description('what was recorded, of which processes, and what was lost')
    .argument('<capture>', 'capture file');
  command.option('--sql', 'list queries that are ready to be run with mp sql');
  addExample(addOutputOptions(command), 'mp info mp-app.42.db', 'mp info --sql mp-app.42.db');
  command.action(async (path: string, options: ReportOptions & { sql?: boolean }) => {
    const to = output ?? defaultOutput();
    const text = await withCapture(path, { pid: null, tid: null }, (capture) => {
      if (options.sql) return options.json ? `${JSON.stringify(READY_QUERIES, null, 2)}\n` : readyQueriesText();
      return options.json ? infoJson(capture) : infoText(capture, layoutOf(to, options));
    });
    emit(text, path, options, to);
  });
}
