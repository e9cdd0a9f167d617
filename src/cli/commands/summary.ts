import type { Command } from 'commander';
import { SUMMARY_SORT, summaryJson, summaryText } from '../../report/summary.ts';
import { GROUP_SORT, groupsJson, groupsText } from '../../report/summary-groups.ts';
import { UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { addByOption, type ByOptions } from '../reports/by-option.ts';
import {
  addExample,
  addOutputOptions,
  addSelectionOptions,
  defaultOutput,
  emit,
  layoutOf,
  parsePositive,
  parseSortColumn,
  type ReportOptions,
  selectionOf,
  withCapture,
} from '../reports/report-options.ts';

interface SummaryCommandOptions extends ReportOptions, ByOptions {
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
  addByOption(command, 'one row per group: who has how much');
  addSelectionOptions(command);
  addExample(
    addOutputOptions(command),
    'mp summary --leaks -r 10 mp-app.42.db',
    'mp summary --by process mp-make.42.db',
  );
  command.action(async (path: string, options: SummaryCommandOptions) => {
    const selection = selectionOf(options);
    if (options.by !== undefined && options.sortColumn > GROUP_SORT.length)
      throw new UserError(`With --by there are ${GROUP_SORT.length} columns to sort by.`, 2);
    const to = output ?? defaultOutput();
    const how = { ...options, maxRows: options.maxRows ?? null };
    const layout = layoutOf(to, options);
    const text = await withCapture(path, selection, (capture) => {
      const { by } = options;
      if (by === undefined)
        return options.json ? summaryJson(capture, selection, how) : summaryText(capture, selection, how, layout);
      const groups = { ...how, by };
      return options.json ? groupsJson(capture, selection, groups) : groupsText(capture, selection, groups, layout);
    });
    emit(text, path, options, to);
  });
}
