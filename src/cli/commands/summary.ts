import type { Command } from 'commander';
import { SUMMARY_SORT, summaryJson, summaryText } from '../../report/summary.ts';
import type { Output } from '../../util/output.ts';
import {
  addExample,
  addFrameOptions,
  addOutputOptions,
  addPartOptions,
  addViewOptions,
  defaultOutput,
  emit,
  layoutOf,
  parsePositive,
  parseSortColumn,
  type ReportOptions,
  selectionOf,
  withCapture,
} from '../report-options.ts';

interface SummaryCommandOptions extends ReportOptions {
  sortColumn: number;
  maxRows?: number;
}

export function register(program: Command, output?: Output): void {
  const command = program
    .command('summary')
    .description('memory by function, own and with everything it called')
    .argument('<capture>', 'capture file')
    .option('-s, --sort-column <N>', 'sort by the N-th column', parseSortColumn(SUMMARY_SORT.length), 2)
    .option('-r, --max-rows <N>', 'show at most N rows', parsePositive);
  addFrameOptions(addPartOptions(addViewOptions(command)));
  addExample(addOutputOptions(command), 'mp summary --leaks -r 10 mp-app.42.db');
  command.action(async (path: string, options: SummaryCommandOptions) => {
    const selection = selectionOf(options);
    const to = output ?? defaultOutput();
    const how = { ...options, maxRows: options.maxRows ?? null };
    const text = await withCapture(path, selection, (capture) =>
      options.json ? summaryJson(capture, selection, how) : summaryText(capture, selection, how, layoutOf(to, options)),
    );
    emit(text, path, options, to);
  });
}
