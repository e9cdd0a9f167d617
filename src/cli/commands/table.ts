import type { Command } from 'commander';
import { tableJson, tableText } from '../../report/table.ts';
import { tablePage } from '../../report/table-page.ts';
import { UserError } from '../../util/errors.ts';
import type { Output } from '../../util/output.ts';
import { addByOption, addSplitThreadsOption, type ByOptions, byOf } from '../reports/by-option.ts';
import {
  addExample,
  addOutputOptions,
  addSelectionOptions,
  defaultOutput,
  defaultPath,
  emit,
  layoutOf,
  parsePositive,
  type ReportOptions,
  selectionOf,
  withCapture,
} from '../reports/report-options.ts';

interface TableCommandOptions extends ReportOptions, ByOptions {
  maxRows?: number;
  html?: boolean;
}

const DEFAULT_ROWS = 30;

export function register(program: Command, output?: Output): void {
  const command = program
    .command('table')
    .description('allocations by the code that called the allocator')
    .argument('<capture>', 'capture file')
    .option('-n, --max-rows <N>', `show at most N rows (default: ${DEFAULT_ROWS}; all as JSON or HTML)`, parsePositive)
    .option('--html', 'write a page with search and sorting, by default beside the capture');
  addSplitThreadsOption(addByOption(command, 'one row per location and group'));
  addExample(
    addOutputOptions(addSelectionOptions(command)),
    'mp table --leaks mp-app.42.db',
    'mp table --by cgroup mp-make.42.db',
    'mp table -o table.html mp-app.42.db',
  );
  command.action((path: string, options: TableCommandOptions) => run(path, options, output ?? defaultOutput()));
}

async function run(path: string, options: TableCommandOptions, output: Output): Promise<void> {
  const selection = selectionOf(options);
  const isPage = options.html === true || (!options.json && /\.html?$/i.test(options.output ?? ''));
  if (isPage && options.json) throw new UserError('--html and --json exclude each other.', 2);
  const how = { by: byOf(options), maxRows: options.maxRows ?? Number.POSITIVE_INFINITY };
  const textHow = { ...how, maxRows: options.maxRows ?? DEFAULT_ROWS };
  const text = await withCapture(path, selection, (capture) => {
    if (options.json) return { report: tableJson(capture, selection, how), isPage: false };
    const page = isPage ? tablePage(capture, selection, how) : null;
    if (page !== null) return { report: page, isPage: true };
    return { report: tableText(capture, selection, textHow, layoutOf(output, isPage ? {} : options)), isPage: false };
  });
  // A page of nothing is not written: the sentence that says so goes to the terminal.
  if (isPage && !text.isPage) output.out(text.report);
  else
    emit(
      text.report,
      path,
      isPage ? { ...options, output: options.output ?? defaultPath('table', path) } : options,
      output,
    );
}
