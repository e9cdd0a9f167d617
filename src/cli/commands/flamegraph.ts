import type { Command } from 'commander';
import { flamegraphPage } from '../../report/flamegraph.ts';
import { textReport } from '../../report/report.ts';
import type { Output } from '../../util/output.ts';
import {
  addExample,
  addFrameOptions,
  addOutputOptions,
  addPartOptions,
  addViewOptions,
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
    .argument('<capture>', 'capture file')
    .option('--split-threads', 'begin every stack with its thread');
  addFrameOptions(addPartOptions(addViewOptions(command)));
  addExample(addOutputOptions(command, false), 'mp flamegraph -f mp-app.42.db');
  command.action(async (path: string, options: ReportOptions & { splitThreads?: boolean }) => {
    const selection = selectionOf(options);
    const to = output ?? defaultOutput();
    const how = { ...options, splitThreads: options.splitThreads === true };
    const { page, empty } = await withCapture(path, selection, (capture) => ({
      page: flamegraphPage(capture, selection, how),
      empty: textReport(capture.facts, selection, [], layoutOf(to)),
    }));
    if (page === null) to.out(empty);
    else writeNamed(options.output ?? defaultPath('flamegraph', path), page, path, options, to);
  });
}
