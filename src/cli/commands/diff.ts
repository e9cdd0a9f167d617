import { type Command, Option } from 'commander';
import { DIFF_BY, type DiffBy, diffJson, diffSide, diffText } from '../../report/diff.ts';
import { DiffPage } from '../../report/diff-page.ts';
import { UserError } from '../../util/errors.ts';
import { type Output, refuseSame } from '../../util/output.ts';
import {
  addExample,
  addFilterOptions,
  addOutputOptions,
  addViewOptions,
  defaultOutput,
  defaultPath,
  emit,
  layoutOf,
  parsePositive,
  type ReportOptions,
  selectionOf,
  withCapture,
  writeNamed,
} from '../report-options.ts';

interface DiffCommandOptions extends ReportOptions {
  by: DiffBy;
  maxRows?: number;
  html?: boolean;
}

const DEFAULT_ROWS = 30;

export function register(program: Command, output?: Output): void {
  const command = program
    .command('diff')
    .description('what changed from one capture to another')
    .argument('<before>', 'capture file')
    .argument('<after>', 'capture file')
    .addOption(new Option('--by <WHAT>', 'one row per …').choices(DIFF_BY).default('function'))
    .option('-n, --max-rows <N>', `show at most N rows (default: ${DEFAULT_ROWS}; all as JSON)`, parsePositive)
    .option('--html', 'write a page with the differential flame graph, by default beside the capture before');
  addExample(
    addOutputOptions(addFilterOptions(addViewOptions(command))),
    'mp diff old.db new.db',
    'mp diff --leaks --by line old.db new.db',
    'mp diff -o diff.html old.db new.db',
  );
  command.action(async (before: string, after: string, options: DiffCommandOptions) => {
    const selection = selectionOf(options);
    const { by } = options;
    const to = output ?? defaultOutput();
    if (options.output !== undefined) refuseSame(options.output, after);
    const isPage = options.html === true || (!options.json && /\.html?$/i.test(options.output ?? ''));
    if (isPage && options.json) throw new UserError('--html and --json exclude each other.', 2);
    if (isPage) {
      const page = new DiffPage(selection, by);
      for (const path of [before, after]) await withCapture(path, selection, (capture) => page.add(capture));
      const content = page.finish();
      if (content === null) to.out('Neither capture has anything in this view.\n');
      else writeNamed(options.output ?? defaultPath('diff', before), content, before, options, to);
      return;
    }
    const side = (path: string) => withCapture(path, selection, (capture) => diffSide(capture, selection, by));
    const [old, now] = [await side(before), await side(after)];
    const maxRows = options.maxRows ?? (options.json ? Number.POSITIVE_INFINITY : DEFAULT_ROWS);
    const text = options.json
      ? diffJson(old, now, selection, { by, maxRows })
      : diffText(old, now, selection, { by, maxRows }, layoutOf(to, options));
    emit(text, before, options, to);
  });
}
