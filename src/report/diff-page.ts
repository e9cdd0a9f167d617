/** The differential flame graph: the stacks of two captures in one, in red what grew and in blue what shrank. */
import { formatBytes, formatCount, formatSigned, printable } from '../util/format.ts';
import type { DiffBy } from './diff.ts';
import { type DiffTree, DiffTreeBuilder, type SideValues } from './diff-tree.ts';
import type { Facts } from './facts.ts';
import type { DiffPageData } from './page/diff-format.ts';
import { int, natural, treeColumns } from './page-columns.ts';
import { escapeHtml, type PageAssets, pageAssets, pageFile } from './page-file.ts';
import { factRows, notices, pageTitle, tile } from './page-header.ts';
import { choice, graph, helpDialog, searchAndLayout, segments } from './page-parts.ts';
import type { Capture } from './report.ts';
import { type Selection, selectionTitle } from './selection.ts';

/** Takes one capture after the other, which need not be open together. */
export class DiffPage {
  readonly #selection: Selection;
  readonly #tree: DiffTreeBuilder;
  readonly #facts: Facts[] = [];

  constructor(selection: Selection, by: DiffBy) {
    this.#selection = selection;
    this.#tree = new DiffTreeBuilder(by);
  }

  /** First the one before, then the one after. */
  add(capture: Capture): void {
    this.#tree.add(capture, this.#selection, this.#facts.length === 0 ? 'before' : 'after');
    this.#facts.push(capture.facts);
  }

  /** Null if neither capture has anything in the view. */
  finish(assets?: PageAssets): string | null {
    const tree = this.#tree.finish();
    if (tree.leaves.length === 0) return null;
    const [before, after] = this.#facts as [Facts, Facts];
    const title = `${pageTitle(before)} → ${pageTitle(after)}`;
    return pageFile({
      title: `${title} · difference`,
      body: [
        header(title, before, after, totalOf(tree)),
        toolbar(this.#selection),
        graph('Differential flame graph'),
        details(before, after),
        helpDialog(KEYS, EXPLANATION),
      ].join('\n'),
      data: pageData(tree),
      assets: assets ?? pageAssets('diff'),
    });
  }
}

function totalOf({ leaves }: DiffTree): SideValues {
  const total: SideValues = [0, 0, 0, 0];
  for (const { values } of leaves) for (const i of values.keys()) total[i]! += values[i]!;
  return total;
}

function pageData(tree: DiffTree): DiffPageData {
  const values = (column: number) => int(tree.leaves.map((leaf) => leaf.values[column]!));
  return {
    format: 1,
    columns: {
      ...treeColumns(tree),
      leaf_node: natural(tree.leaves.map((leaf) => leaf.node)),
      before_bytes: values(0),
      before_allocations: values(1),
      after_bytes: values(2),
      after_allocations: values(3),
    },
  };
}

const html = (text: string) => escapeHtml(printable(text));

function header(title: string, before: Facts, after: Facts, total: SideValues): string {
  const [oldBytes, oldCount, newBytes, newCount] = total;
  const bytes = (name: string, value: number, count: number) =>
    tile(name, formatBytes(value), `${formatCount(value)} bytes in ${formatCount(count)} allocations`);
  const change = newBytes - oldBytes;
  const state = change === 0 ? '' : change > 0 ? 'bad' : 'good';
  const tiles = [
    bytes('Before', oldBytes, oldCount),
    bytes('After', newBytes, newCount),
    tile(
      'Difference',
      formatSigned(change, formatBytes),
      `${formatSigned(newCount - oldCount, formatCount)} allocations`,
      state,
    ),
  ];
  const files = `${before.capture} → ${after.capture}`;
  return `<header class="top">
<div class="identity"><span class="mark" aria-hidden="true">mp</span>
<div class="names"><h1 title="${html(title)}">${html(title)}</h1><p class="sub" title="${html(files)}">${html(files)}</p></div></div>
<dl class="tiles">${tiles.join('')}</dl>
<div class="actions"><button type="button" id="help-open">Keys</button><button type="button" id="details-open">Details</button>
<button type="button" id="theme" aria-label="Switch between light and dark" title="Switch between light and dark">◐</button></div>
</header>
${notices(before)}${notices(after)}`;
}

function toolbar(selection: Selection): string {
  const title = selectionTitle(selection, {});
  const widths = [
    choice('width', 'larger', 'Larger', 'As wide as the larger of before and after: everything is there'),
    choice('width', 'after', 'After', 'As wide as after: what is gone is not there'),
    choice('width', 'before', 'Before', 'As wide as before: what is new is not there'),
  ];
  const units = [
    choice('unit', 'bytes', 'Bytes', 'Compare bytes'),
    choice('unit', 'allocations', 'Count', 'Compare numbers of allocations'),
  ];
  return `<section class="toolbar" aria-label="View"><p class="view">${html(title[0]!.toUpperCase() + title.slice(1))}</p>
${segments('Width of frames', widths.join(''))}
${segments('Unit', units.join(''))}
${searchAndLayout()}
</section>`;
}

function details(before: Facts, after: Facts): string {
  const [old, now] = [factRows(before), factRows(after)];
  const rows = old.map(([name, value], i) => {
    const cells = [name, value, now[i]![1]].map((text) => `<td>${html(text)}</td>`);
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<dialog id="details" aria-labelledby="details-title"><form method="dialog"><h2 id="details-title">Details</h2>
<button class="close" aria-label="Close">✕</button></form>
<div class="scroll"><table><thead><tr><th scope="col"></th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
<tbody>${rows.join('')}</tbody></table></div></dialog>`;
}

const KEYS = [
  ['Click, Enter', 'zoom into a frame'],
  ['Esc', 'end the search, then zoom out'],
  ['← →', 'frame beside'],
  ['↑ ↓', 'frame above, below'],
  ['Home', 'back to the root'],
  ['/', 'search; matches are highlighted and their differences added up'],
  ['1 2 3', 'width by the larger, by after, by before'],
  ['b, c', 'compare bytes, numbers'],
  ['f', 'flip: root on top or at the bottom'],
];

const EXPLANATION = `A frame is red if it and what it called have more after than before, blue if less; the stronger, the larger the part
that has changed. The address of the page keeps what was chosen.`;
