import { type Command, Option } from 'commander';
import { DIFF_BY, type DiffBy, diffJson, diffSide, diffText } from '../../report/diff.ts';
import { DiffPage } from '../../report/diff-page.ts';
import type { Facts } from '../../report/facts.ts';
import { UserError } from '../../util/errors.ts';
import { type Output, refuseSame } from '../../util/output.ts';
import { type Compared, checkMoments, commonSelection, type Side, sidesOf, withSide } from '../reports/diff-sides.ts';
import {
  addExample,
  addFilterOptions,
  addOutputOptions,
  addViewOptions,
  checkTime,
  defaultOutput,
  defaultPath,
  emit,
  layoutOf,
  parseNumber,
  parsePositive,
  type ReportOptions,
  selectionOf,
  writeNamed,
} from '../reports/report-options.ts';

interface DiffCommandOptions extends Omit<ReportOptions, 'pid'> {
  pid?: number[];
  by: DiffBy;
  maxRows?: number;
  html?: boolean;
}

type Sides = readonly [Side, Side];

const DEFAULT_ROWS = 30;

function momentOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(checkTime);
}

function appendNumber(text: string, numbers: number[] = []): number[] {
  return [...numbers, parseNumber(text)];
}

export function register(program: Command, output?: Output): void {
  const command = program
    .command('diff')
    .description('what changed from one capture to another, from one moment to another, or between two processes')
    .argument('<before>', 'capture file')
    .argument('[after]', 'capture file')
    .option('--pid <PID>', 'only this process; twice: the first with the second', appendNumber)
    .addOption(momentOption('--from <TIME>', 'compare what was live at this time of the one capture …'))
    .addOption(momentOption('--to <TIME>', '… with what was live at this one (default: at the end)'))
    .addOption(new Option('--by <WHAT>', 'one row per …').choices(DIFF_BY).default('function'))
    .option('-n, --max-rows <N>', `show at most N rows (default: ${DEFAULT_ROWS}; all as JSON)`, parsePositive)
    .option('--html', 'write a page with the differential flame graph, by default beside the capture before');
  addExample(
    addOutputOptions(addFilterOptions(addViewOptions(command))),
    'mp diff old.db new.db',
    'mp diff --leaks --by line old.db new.db',
    'mp diff -o diff.html old.db new.db',
    'mp diff --from 10s --to 50% app.db',
    'mp diff --pid 100 --pid 200 app.db',
  );
  command.action(async (before: string, after: string | undefined, options: DiffCommandOptions) => {
    const { pid: pids = [], from, to, ...common } = options;
    const { by } = options;
    const out = output ?? defaultOutput();
    const compared: Compared = { before, after, pids, from, to };
    const sides = sidesOf(compared, selectionOf(common));
    if (options.output !== undefined && after !== undefined) refuseSame(options.output, after);
    const isPage = options.html === true || (!options.json && /\.html?$/i.test(options.output ?? ''));
    if (isPage && options.json) throw new UserError('--html and --json exclude each other.', 2);
    if (isPage) {
      const content = await pageOf(sides, compared, by);
      if (content === null) out.out('Neither side has anything in this view.\n');
      else writeNamed(options.output ?? defaultPath('diff', before), content, before, options, out);
      return;
    }
    const text = await textOf(sides, compared, options, out);
    emit(text, before, common, out);
  });
}

async function textOf(sides: Sides, compared: Compared, options: DiffCommandOptions, output: Output): Promise<string> {
  const { by } = options;
  const read = (side: Side) => withSide(side, (capture, part) => diffSide(capture, side.selection, by, part));
  const [old, now] = [await read(sides[0]), await read(sides[1])];
  checkMoments(old.facts, now.facts, compared);
  const selection = commonSelection(sides);
  const maxRows = options.maxRows ?? (options.json ? Number.POSITIVE_INFINITY : DEFAULT_ROWS);
  if (options.json) return diffJson(old, now, selection, { by, maxRows });
  return diffText(old, now, selection, { by, maxRows }, layoutOf(output, options));
}

/** Null if neither side has anything. */
async function pageOf(sides: Sides, compared: Compared, by: DiffBy): Promise<string | null> {
  const page = new DiffPage(commonSelection(sides), by);
  const facts: Facts[] = [];
  for (const side of sides)
    await withSide(side, (capture, part) => {
      facts.push(capture.facts);
      page.add(part === '' ? capture : { ...capture, facts: namedFacts(capture.facts, part) });
    });
  checkMoments(facts[0]!, facts[1]!, compared);
  return page.finish();
}

/** A page is called by its command line. */
function namedFacts(facts: Facts, part: string): Facts {
  return {
    ...facts,
    command_line: `${facts.command_line || facts.processes[0]?.command_line || facts.capture}, ${part}`,
  };
}
