import { type Command, InvalidArgumentError } from 'commander';
import type { TreeFilters } from '../../model/stack-tree.ts';
import { captureName } from '../../report/header.ts';
import { lossLine } from '../../report/losses.ts';
import { shortenName } from '../../report/names.ts';
import { type Selection, viewName } from '../../report/selection.ts';
import type { FrameOptions } from '../../report/shown-stacks.ts';
import { type StackTreeOptions, stackTree } from '../../report/stack-tree.ts';
import { treeJson, treeText } from '../../report/tree.ts';
import { paintOf } from '../../tui/paint.ts';
import { printable } from '../../util/format.ts';
import type { Output } from '../../util/output.ts';
import { sourceLines } from '../../util/source-lines.ts';
import { addByOption, type ByOptions, byOf } from '../reports/by-option.ts';
import {
  addExample,
  addOutputOptions,
  addSelectionOptions,
  defaultOutput,
  emit,
  layoutOf,
  parsePositive,
  type ReportOptions,
  selectionOf,
  withCapture,
} from '../reports/report-options.ts';

interface TreeCommandOptions extends ReportOptions, ByOptions {
  biggestAllocs: number;
  threshold: number;
  hideImports?: boolean;
  text?: boolean;
}

export function register(program: Command, output?: Output): void {
  const command = program
    .command('tree')
    .description('the biggest stacks as a tree, in a terminal to walk through')
    .argument('<capture>', 'capture file')
    .option('-b, --biggest-allocs <N>', 'show the N biggest stacks; the rest is summed up', parsePositive, 200)
    .option('--threshold <PERCENT>', 'as text, sum up what has less than that of the whole', parsePercent, 1)
    .option('--hide-imports', 'sum up the stacks of Python imports and of require (key i)')
    .option('--text', 'print the tree (default unless on a terminal)');
  addByOption(command, 'begin every stack with its group');
  addSelectionOptions(command);
  addExample(addOutputOptions(command), 'mp tree mp-app.42.db', 'mp tree --leaks --text -b 20 mp-app.42.db');
  command.action((path: string, options: TreeCommandOptions) => run(path, options, output ?? defaultOutput()));
}

async function run(path: string, options: TreeCommandOptions, output: Output): Promise<void> {
  const selection = selectionOf(options);
  const how = {
    ...options,
    by: byOf(options),
    biggest: options.biggestAllocs,
    hidesImports: options.hideImports === true,
  };
  const isScreen = !options.json && !options.text && options.output === undefined;
  const isTerminal = output.isTTY && process.stdin.isTTY && process.env.TERM !== 'dumb';
  if (isScreen && isTerminal && (await walk(path, selection, how, output))) return;
  const text = await withCapture(path, selection, (capture) =>
    options.json ? treeJson(capture, selection, how) : treeText(capture, selection, how, layoutOf(output, options)),
  );
  emit(text, path, options, output);
}

/** The terminal UI; false if there is nothing to walk through. */
async function walk(path: string, selection: Selection, options: StackTreeOptions, output: Output): Promise<boolean> {
  const load = (filters?: TreeFilters) =>
    withCapture(path, selection, (capture) => ({
      tree: stackTree(capture, selection, filters ? { ...options, ...filteredOptions(options, filters) } : options),
      title: captureName(capture.facts),
      status: `${viewName(selection)}, ${lossLine(capture.facts.losses)}`,
    }));
  const { tree, title, status } = await load();
  if (tree === null) return false;
  const { openScreen } = await import('../../tui/screen.ts');
  const { runTree } = await import('../../tui/tree-app.ts');
  await runTree(openScreen(`mp tree ${printable(path)}`), tree, {
    ...{ title, status, shortenName, sourceLines },
    paint: paintOf(output.color),
    load: async (filters) => (await load(filters)).tree ?? tree,
  });
  return true;
}

/** With all machinery shown there are native frames, too. */
function filteredOptions({ native }: FrameOptions, { hidesImports, hidesMachinery }: TreeFilters) {
  return { hidesImports, native: hidesMachinery ? native : true, nativeMachinery: !hidesMachinery };
}

function parsePercent(text: string): number {
  const value = Number(text.replace(/%$/, ''));
  if (!/^\d+(\.\d+)?%?$/.test(text) || value > 100) throw new InvalidArgumentError('It must be from 0 to 100.');
  return value;
}
