import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Check, check, checkJson, checkText } from '../../report/check.ts';
import { type AllowRule, parseAllowed } from '../../report/leak-allow.ts';
import { UserError } from '../../util/errors.ts';
import { formatPlural, printable } from '../../util/format.ts';
import type { Output } from '../../util/output.ts';
import {
  addExample,
  addOutputOptions,
  addPartOptions,
  append,
  defaultOutput,
  emit,
  layoutOf,
  parsePositive,
  type ReportOptions,
  selectionOf,
  withCapture,
} from '../reports/report-options.ts';
import { parseSize } from '../size.ts';

interface CheckCommandOptions extends ReportOptions {
  maxPeak?: number;
  maxLeak?: number;
  maxLeakPerSite?: number;
  leakAllow?: string[];
  maxRows: number;
  maxFrames: number;
}

export function register(program: Command, output?: Output): void {
  const command = program
    .command('check')
    .description('whether budgets of memory are kept: exit code 3 if not')
    .argument('<capture>', 'capture file')
    .option('--max-peak <SIZE>', 'of each process at its high watermark', parseSize)
    .option('--max-leak <SIZE>', 'of all that was never freed', parseSize)
    .option('--max-leak-per-site <SIZE>', 'of what one stack leaked', parseSize)
    .option('--leak-allow <FILE>', 'leaks that do not count: lines leak:PATTERN, as of LeakSanitizer', append)
    .option('-n, --max-rows <N>', 'show at most N stacks of each budget', parsePositive, 3)
    .option('--max-frames <N>', 'show at most N frames of each stack', parsePositive, 20);
  addExample(
    addOutputOptions(addPartOptions(command)),
    'mp check --max-peak 64M --max-leak 0 mp-app.42.db',
    'mp check --max-leak-per-site 1K --leak-allow known-leaks.txt mp-app.42.db',
  );
  command.action((path: string, options: CheckCommandOptions) => run(path, options, output ?? defaultOutput()));
}

async function run(path: string, options: CheckCommandOptions, output: Output): Promise<void> {
  const { maxPeak = null, maxLeak = null, maxLeakPerSite = null } = options;
  if (maxPeak === null && maxLeak === null && maxLeakPerSite === null)
    throw new UserError('Give a budget: --max-peak, --max-leak or --max-leak-per-site.', 2);
  const rules = (options.leakAllow ?? []).flatMap(readRules);
  const selection = selectionOf(options);
  const { result, text } = await withCapture(path, selection, (capture) => {
    const result = check(capture, selection, { maxPeak, maxLeak, maxLeakPerSite }, rules);
    const text = options.json
      ? checkJson(capture, selection, result, options.maxRows)
      : checkText(capture, selection, result, options, layoutOf(output, options));
    return { result, text };
  });
  emit(text, path, options, output);
  failIfExceeded(result);
}

function failIfExceeded({ findings }: Check): void {
  const exceeded = new Set(findings.filter((one) => one.is_exceeded).map((one) => one.budget));
  if (exceeded.size > 0)
    throw new UserError(`${formatPlural(exceeded.size, 'budget')} ${exceeded.size === 1 ? 'is' : 'are'} exceeded`, 3);
}

function readRules(file: string): AllowRule[] {
  try {
    return parseAllowed(readFileSync(file, 'utf8'), printable(file));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot read ${file}: ${(error as Error).message.replace(/^\w+: |, \w+.*$/g, '')}`);
  }
}
