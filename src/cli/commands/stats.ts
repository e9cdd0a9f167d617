import type { Command } from 'commander';
import { statsJson, statsText } from '../../report/stats.ts';
import type { Output } from '../../util/output.ts';
import {
  addExample,
  addFrameOptions,
  addOutputOptions,
  addPartOptions,
  defaultOutput,
  emit,
  layoutOf,
  parsePositive,
  type ReportOptions,
  selectionOf,
  withCapture,
} from '../reports/report-options.ts';

export function register(program: Command, output?: Output): void {
  const command = program
    .command('stats')
    .description('totals, sizes, allocator functions and the biggest places')
    .argument('<capture>', 'capture file')
    .option('-n, --num-largest <N>', 'length of the lists', parsePositive, 5);
  addExample(
    addOutputOptions(addFrameOptions(addPartOptions(command))),
    'mp stats --json mp-app.42.db',
    'mp stats --thread 43 --include parse mp-app.42.db',
  ).addHelpText(
    'after',
    '\nOf a thread, and of stacks that are included or excluded, it shows what they had when their process had most. Sizes\n' +
      'are counted by process only: there is no histogram of them then.',
  );
  command.action(async (path: string, options: ReportOptions & { numLargest: number }) => {
    const to = output ?? defaultOutput();
    const { view: _view, threshold: _threshold, ...part } = selectionOf(options);
    const how = { ...part, top: options.numLargest, native: options.native };
    const text = await withCapture(path, part, (capture) =>
      options.json ? statsJson(capture, how) : statsText(capture, how, layoutOf(to, options)),
    );
    emit(text, path, options, to);
  });
}
