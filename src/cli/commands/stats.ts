import type { Command } from 'commander';
import { statsJson, statsText } from '../../report/stats.ts';
import type { Output } from '../../util/output.ts';
import {
  addExample,
  addFrameOptions,
  addOutputOptions,
  addRangeOptions,
  defaultOutput,
  emit,
  layoutOf,
  parseNumber,
  parsePositive,
  type ReportOptions,
  rangeOf,
  withCapture,
} from '../report-options.ts';

export function register(program: Command, output?: Output): void {
  const command = program
    .command('stats')
    .description('totals, sizes, allocator functions and the biggest places')
    .argument('<capture>', 'capture file')
    .option('-n, --num-largest <N>', 'length of the lists', parsePositive, 5)
    .option('--pid <PID>', 'only this process', parseNumber);
  addExample(addOutputOptions(addFrameOptions(addRangeOptions(command))), 'mp stats --json mp-app.42.db');
  command.action(async (path: string, options: ReportOptions & { numLargest: number }) => {
    const to = output ?? defaultOutput();
    const how = { pid: options.pid ?? null, top: options.numLargest, native: options.native, ...rangeOf(options) };
    const text = await withCapture(path, { ...how, tid: null }, (capture) =>
      options.json ? statsJson(capture, how) : statsText(capture, how, layoutOf(to, options)),
    );
    emit(text, path, options, to);
  });
}
