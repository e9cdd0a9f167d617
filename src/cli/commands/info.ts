import type { Command } from 'commander';
import { infoJson, infoText } from '../../report/info.ts';
import type { Output } from '../../util/output.ts';
import {
  addExample,
  addOutputOptions,
  defaultOutput,
  emit,
  layoutOf,
  type ReportOptions,
  withCapture,
} from '../report-options.ts';

export function register(program: Command, output?: Output): void {
  const command = program
    .command('info')
    .description('what was recorded, of which processes, and what was lost')
    .argument('<capture>', 'capture file');
  addExample(addOutputOptions(command), 'mp info mp-app.42.db');
  command.action(async (path: string, options: ReportOptions) => {
    const to = output ?? defaultOutput();
    const text = await withCapture(path, { pid: null, tid: null }, (capture) =>
      options.json ? infoJson(capture) : infoText(capture, layoutOf(to, options)),
    );
    emit(text, path, options, to);
  });
}
