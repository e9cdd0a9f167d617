import { type Command, Option } from 'commander';
import { flamegraphPage } from '../../report/flamegraph.ts';
import { flamegraphJson } from '../../report/flamegraph-json.ts';
import { textReport } from '../../report/report.ts';
import type { Selection } from '../../report/selection.ts';
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
  writeNamed,
} from '../reports/report-options.ts';

interface FlamegraphOptions extends ReportOptions, ByOptions {
  temporal?: boolean;
  inverted?: boolean;
  maxMemoryRecords?: number;
  embedSource?: string[];
}

export function register(program: Command, output?: Output): void {
  const command = program
    .command('flamegraph')
    .description('a page with the flame graph of all views and memory over time, or one view as JSON')
    .argument('<capture>', 'capture file')
    .option(
      '--temporal',
      'choose ranges of time in the page: its high watermark, its leaks; opens with --from and --to',
    )
    .option('--inverted', 'begin stacks with the code that allocated, and go outwards')
    .option(
      '--max-memory-records <N>',
      'at most N points of memory over time, and N intervals of --temporal (default: as many as there is room for)',
      parsePositive,
    )
    .option(
      '--embed-source <FOLDER>',
      'show lines of source, of files below this folder only; may be given again (default: none)',
      (folder: string, folders: string[] = []) => [...folders, folder],
    )
    .addOption(
      new Option(
        '--json',
        'print no page but the tree of one view: {metadata, selection, by, inverted, frames, nodes}; a node is {depth, frame, ' +
          'bytes, allocations} with all below it, parents before their children, and frame its index in frames',
      ).conflicts(['temporal', 'maxMemoryRecords', 'embedSource']),
    );
  addSplitThreadsOption(addByOption(command, 'begin every stack with its group'));
  addSelectionOptions(command);
  addExample(
    addOutputOptions(command, false),
    'mp flamegraph -f mp-app.42.db',
    'mp flamegraph --temporal --leaks --from 50% mp-app.42.db',
    'mp flamegraph --by comm mp-make.42.db',
    "mp flamegraph --leaks --json mp-app.42.db | jq '.frames[.nodes[1].frame].function'",
  );
  command.action(async (path: string, options: FlamegraphOptions) => {
    const selection = selectionOf(options);
    const to = output ?? defaultOutput();
    if (options.json) {
      const how = { ...options, by: byOf(options) };
      const text = await withCapture(path, selection, (capture) => flamegraphJson(capture, selection, how));
      emit(text, path, options, to);
      return;
    }
    const { temporalOf } = await import('../reports/temporal.ts'); // late: it needs the database driver
    const { page, empty } = await withCapture(path, options.temporal ? wholeOf(selection) : selection, (capture) => {
      const temporal = options.temporal ? temporalOf(capture, selection) : undefined;
      return {
        page: flamegraphPage(capture, selection, { ...options, by: byOf(options), temporal }),
        empty: textReport(capture.facts, selection, [], layoutOf(to)),
      };
    });
    if (page === null) to.out(empty);
    else writeNamed(options.output ?? defaultPath('flamegraph', path), page, path, options, to);
  });
}

/** The page has all of the capture, whatever it opens with. */
function wholeOf({ range: _, ...selection }: Selection): Selection {
  return selection;
}
