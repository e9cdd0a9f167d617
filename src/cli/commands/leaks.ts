import type { Command } from 'commander';
import { leaksJson, leaksText } from '../../report/leaks.ts';
import type { Selection } from '../../report/selection.ts';
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

interface LeaksCommandOptions extends ReportOptions {
  maxRows: number;
  maxFrames: number;
}

export function register(program: Command, output?: Output): void {
  const command = program
    .command('leaks')
    .description('memory that was never freed, by stack')
    .argument('<capture>', 'capture file')
    .option('-n, --max-rows <N>', 'show at most N stacks', parsePositive, 10)
    .option('--max-frames <N>', 'show at most N frames of each stack', parsePositive, 20);
  addExample(addOutputOptions(addFrameOptions(addPartOptions(command))), 'mp leaks -n 3 mp-app.42.db');
  command.action(async (path: string, options: LeaksCommandOptions) => {
    const selection: Selection = { ...selectionOf(options), view: 'leaks' };
    const to = output ?? defaultOutput();
    const text = await withCapture(path, selection, (capture) =>
      options.json
        ? leaksJson(capture, selection, options)
        : leaksText(capture, selection, options, layoutOf(to, options)),
    );
    emit(text, path, options, to);
  });
}
