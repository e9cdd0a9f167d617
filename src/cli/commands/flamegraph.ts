import type { Command } from 'commander';
import { flamegraphPage } from '../../report/flamegraph.ts';
import { textReport } from '../../report/report.ts';
import type { Output } from '../../util/output.ts';
import { addByOption, addSplitThreadsOption, type ByOptions, byOf } from '../by-option.ts';
import {
  addExample,
  addOutputOptions,
  addSelectionOptions,
  defaultOutput,
  defaultPath,
  layoutOf,
  type ReportOptions,
  selectionOf,
  withCapture,
  writeNamed,
} from '../report-options.ts';

export function register(program: Command, output?: Output): void {
  const command = program
    .command('flamegraph')
    .description('a page with the flame graph of all views and memory over time')
    .argument('<capture>', 'capture file');
  addSplitThreadsOption(addByOption(command, 'begin every stack with its group'));
  addSelectionOptions(command);
  addExample(
    addOutputOptions(command, false),
    'mp flamegraph -f mp-app.42.db',
    'mp flamegraph --by comm mp-make.42.db',
  );
  command.action(async (path: string, options: ReportOptions & ByOptions) => {
    const selection = selectionOf(options);
    const to = output ?? defaultOutput();
    const how = { ...options, by: byOf(options) };
    const { page, empty } = await withCapture(path, selection, (capture) => ({
      page: flamegraphPage(capture, selection, how),
      empty: textReport(capture.facts, selection, [], layoutOf(to)),
    }));
    if (page === null) to.out(empty);
    else writeNamed(options.output ?? defaultPath('flamegraph', path), page, path, options, to);
  });
}
