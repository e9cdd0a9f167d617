/** The flame graph page: reads its data, wires the parts together, keeps what the reader chose in the address. */
/// <reference lib="dom" />
import { formatBytes, formatCount, formatPercent } from '../../util/format.ts';
import { type Columns, decodeColumns } from './decode.ts';
import { type Filter, setUpFilter } from './filter.ts';
import { type FlamegraphData, KINDS, type PageView, UNITS, type Unit, VIEWS } from './format.ts';
import { Graph } from './graph.ts';
import { invertColumns } from './inverted.ts';
import { setUpKeys } from './keys.ts';
import { saveMemoryCsv } from './memory-csv.ts';
import { escapeFromGraph, flipGraph, moveOnGraph } from './move.ts';
import { ownValue } from './own.ts';
import { paletteOf, SHADES } from './palette.ts';
import { Plot } from './plot.ts';
import { RangeHandles, rangeAddress, rangeOfAddress } from './range.ts';
import { SearchBox } from './search-box.ts';
import { addressValues, element, pageData, setAddress, setUpDialog, setUpTheme, type Theme } from './shell.ts';
import { timeline } from './timeline.ts';
import { type FrameValues, fillTip, frameSentence, placeTip } from './tip.ts';
import { Tree } from './tree.ts';
import { pageWindow, type Range, type TimeWindow } from './window.ts';

const LANGUAGES = ['native', 'python', 'javascript', 'internal'] as const;
const LANGUAGE_NAMES = { native: 'native', python: 'Python', javascript: 'JavaScript', internal: 'JavaScript of Node' };
const LEFT_OUT = { native: 'native frames hidden', machinery: 'interpreter frames folded' };

class FlamegraphPage {
  readonly #data: FlamegraphData;
  readonly #columns: Columns;
  readonly #tree: Tree;
  readonly #graph: Graph;
  readonly #plot: Plot;
  #view: PageView;
  #unit: Unit = 'bytes';
  #filter: Filter = { process: null, tid: null };
  readonly #search: SearchBox;
  readonly #window: TimeWindow | null;
  #range: Range | null = null;
  #hidesImports = false;
  #totals: FrameValues;

  /** `window`: of a temporal page. */
  constructor(data: FlamegraphData, columns: Columns, window: TimeWindow | null) {
    this.#data = data;
    this.#columns = columns;
    this.#window = window;
    this.#view = data.view;
    this.#readAddress();
    this.#tree = new Tree(columns.node_depth);
    const nothing = new Float64Array(this.#tree.size);
    this.#totals = { bytes: nothing, allocations: nothing };
    const palette = paletteOf('light');
    const layout = { total: nothing, begin: nothing };
    const parts = { box: element('graph'), canvas: element<HTMLCanvasElement>('frames'), spacer: element('spacer') };
    this.#graph = new Graph(
      parts,
      { columns, tree: this.#tree, layout, palette },
      {
        onHover: (node, x, y) => this.#hover(node, x, y),
        onSelect: (node) => this.#announce(node),
        onZoom: () => this.#showZoom(),
      },
    );
    this.#plot = new Plot(element<HTMLCanvasElement>('plot'), element('memory-value'), palette);
    this.#search = new SearchBox(columns, addressValues().get('search') ?? '', () => this.#searched());
  }

  start(): void {
    setUpTheme(addressValues().get('theme'), (theme) => this.#setTheme(theme));
    setUpDialog('details');
    setUpDialog('help');
    setUpFilter(this.#data, this.#filter, (filter) => {
      this.#filter = filter;
      this.#refresh();
    });
    this.#setUpToolbar();
    this.#setUpRange();
    setUpKeys({
      escape: () => escapeFromGraph(this.#search, this.#graph, () => this.#searched()),
      move: (key) => moveOnGraph(key, this.#graph, this.#tree, this.#totals[this.#unit]),
      command: (key) => this.#command(key),
    });
    element('memory').hidden = this.#columns.memory_ms.length === 0;
    element('memory-csv').addEventListener('click', () => saveMemoryCsv(this.#data, this.#columns));
    const zoomed = Number(addressValues().get('node') ?? 0);
    this.#refresh();
    if (zoomed > 0 && zoomed < this.#tree.size && this.#totals[this.#unit][zoomed]! > 0) this.#graph.zoom(zoomed);
    if (addressValues().get('layout') === 'flame') this.#flip();
  }

  #readAddress(): void {
    const address = addressValues();
    this.#view = VIEWS.find((view) => view === address.get('view')) ?? this.#view;
    this.#unit = UNITS.find((unit) => unit === address.get('unit')) ?? this.#unit;
    this.#hidesImports = address.get('imports') === 'hidden';
    const process = this.#data.processes.findIndex((candidate) => String(candidate.pid) === address.get('pid'));
    const tid = Number(address.get('tid') ?? Number.NaN);
    this.#filter = { process: process < 0 ? null : process, tid: Number.isNaN(tid) ? null : tid };
    if (this.#window === null) return;
    this.#range = rangeOfAddress(this.#data.temporal!, address.get('from'), address.get('to'));
    Object.assign(this.#columns, this.#window.values(this.#range));
  }

  #totalsOf(view: PageView): FrameValues {
    const { leaf_node: node, leaf_thread: thread, ...columns } = this.#columns;
    const isShown = (index: number, entry: number) => this.#isShown(index, entry);
    const sum = (unit: Unit) => this.#tree.totals({ node, thread, value: columns[`leaf_${view}_${unit}`] }, isShown);
    return { bytes: sum('bytes'), allocations: sum('allocations') };
  }

  #bytesOf(view: PageView): number {
    const bytes = this.#columns[`leaf_${view}_bytes`];
    const threads = this.#columns.leaf_thread;
    let sum = 0;
    for (let i = 0; i < bytes.length; i++) if (this.#isShown(threads[i]!, i)) sum += bytes[i]!;
    return sum;
  }

  #isShown(index: number, entry: number): boolean {
    if (this.#hidesImports && this.#columns.leaf_imported[entry] === 1) return false;
    const thread = this.#data.threads[index]!;
    const { process, tid } = this.#filter;
    return (process === null || thread.process === process) && (tid === null || thread.tid === tid);
  }

  /** After a change of view, unit or filter. */
  #refresh(): void {
    this.#plot.setPoints(timeline(this.#columns, this.#data.processes, this.#filter.process));
    this.#showValues();
    this.#saveState();
  }

  #showValues(): void {
    this.#totals = this.#totalsOf(this.#view);
    this.#graph.setLayout(this.#tree.layout(this.#totals[this.#unit]));
    for (const input of document.querySelectorAll<HTMLInputElement>('input[type=radio]')) {
      input.checked = input.value === (input.name === 'view' ? this.#view : this.#unit);
      const amount = input.parentElement!.querySelector('small');
      if (amount !== null) amount.textContent = formatBytes(this.#bytesOf(input.value as PageView));
    }
    const empty = element('empty');
    empty.hidden = this.#totals[this.#unit][0]! > 0;
    empty.textContent =
      this.#totals.allocations[0]! > 0 ? 'Only allocations of zero bytes.' : 'No allocations in this view.';
    this.#showMatches();
    this.#markRange();
    this.#showPlace();
  }

  #setUpRange(): void {
    const time = this.#data.temporal;
    if (time === undefined) return;
    this.#plot.setEnd(time.intervals * time.interval_ms);
    let isWaiting = false;
    new RangeHandles(time, this.#plot, this.#range!, (range, isDone) => {
      this.#range = range;
      if (isDone) this.#applyRange(range, true);
      else if (!isWaiting) {
        isWaiting = true;
        requestAnimationFrame(() => {
          isWaiting = false;
          this.#applyRange(this.#range!, false);
        });
      }
    });
  }

  #applyRange(range: Range, isDone: boolean): void {
    Object.assign(this.#columns, this.#window!.values(range));
    this.#showValues();
    // Browsers refuse an address that changes with every move of the pointer.
    if (isDone) this.#saveState();
  }

  /** In the plot: the range, and in the view of high watermarks where the largest is that is shown. */
  #markRange(): void {
    if (this.#range === null) return;
    const width = this.#data.temporal!.interval_ms;
    const shown = (_: unknown, process: number) => this.#filter.process === null || this.#filter.process === process;
    const [largest] = this.#window!.peaks(this.#range)
      .filter(shown)
      .filter(({ bytes }) => bytes >= 0)
      .sort((a, b) => b.bytes - a.bytes);
    const hasPeak = largest !== undefined && this.#view === 'high_watermark';
    this.#plot.setMarked({
      from: this.#range.from * width,
      to: this.#range.to * width,
      peak: hasPeak ? { from: largest.interval * width, to: (largest.interval + 1) * width } : null,
    });
  }

  #setUpToolbar(): void {
    for (const input of document.querySelectorAll<HTMLInputElement>('input[type=radio]')) {
      input.addEventListener('change', () => this.#choose(input.name, input.value));
    }
    const imports = element('imports');
    imports.hidden = this.#columns.leaf_imported.every((isImported) => isImported === 0);
    imports.setAttribute('aria-pressed', String(this.#hidesImports));
    imports.addEventListener('click', () => this.#toggleImports());
    element('flip').addEventListener('click', () => this.#flip());
    element('reset').addEventListener('click', () => this.#graph.zoom(0));
  }

  #toggleImports(): void {
    this.#hidesImports = !this.#hidesImports;
    element('imports').setAttribute('aria-pressed', String(this.#hidesImports));
    this.#refresh();
  }

  #choose(name: string, value: string): void {
    if (name === 'view') this.#view = value as PageView;
    else this.#unit = value as Unit;
    this.#refresh();
  }

  #flip(): void {
    flipGraph(this.#graph);
    this.#saveState();
  }

  #searched(): void {
    this.#showMatches();
    this.#saveState();
  }

  #showMatches(): void {
    const total = this.#totals[this.#unit];
    this.#graph.setMatches(this.#search.matches);
    this.#search.showTotal(this.#tree, total, (sum) => {
      const amount = this.#unit === 'bytes' ? formatBytes(sum) : `${formatCount(sum)} ×`;
      return `${amount} · ${formatPercent(sum, total[0]!)}`;
    });
  }

  #setTheme(theme: Theme): void {
    const palette = paletteOf(theme);
    this.#graph.setPalette(palette);
    this.#plot.setPalette(palette);
    const present = new Set(this.#columns.frame_kind);
    const shown = LANGUAGES.filter((kind) => present.has(KINDS.indexOf(kind)));
    element('kinds').replaceChildren(
      ...shown.map((kind) => {
        const label = document.createElement('span');
        const swatch = document.createElement('i');
        swatch.style.background = palette.fills[kind][SHADES >> 1]!;
        label.append(swatch, LANGUAGE_NAMES[kind]);
        return label;
      }),
      ...(this.#data.left_out === undefined ? [] : [LEFT_OUT[this.#data.left_out]]),
    );
  }

  #hover(node: number | null, x: number, y: number): void {
    const tip = element('tip');
    if (node === null) {
      tip.hidden = true;
      return;
    }
    const ownOf = (unit: Unit) => ownValue(this.#columns, this.#tree, this.#totals[unit], node);
    const own = { bytes: ownOf('bytes'), allocations: ownOf('allocations') };
    fillTip(tip, this.#columns, this.#totals, this.#data.inverted ? null : own, node);
    placeTip(tip, x, y);
  }

  #announce(node: number): void {
    element('live').textContent = frameSentence(this.#columns, this.#totals, node);
    const { x, y, width } = this.#graph.box(node);
    this.#hover(node, x + Math.min(width / 2, 60), y + 8);
    this.#showPath(node);
  }

  #showZoom(): void {
    this.#showPlace();
    this.#saveState();
  }

  #showPlace(): void {
    const { zoomed } = this.#graph;
    element<HTMLButtonElement>('reset').disabled = zoomed === 0;
    this.#showPath(zoomed);
  }

  #showPath(node: number): void {
    element('path').textContent = frameSentence(this.#columns, this.#totals, node);
  }

  #saveState(): void {
    const { process, tid } = this.#filter;
    setAddress({
      theme: addressValues().get('theme') ?? '',
      view: this.#view === this.#data.view ? '' : this.#view,
      unit: this.#unit === 'bytes' ? '' : this.#unit,
      pid: process === null ? '' : String(this.#data.processes[process]!.pid),
      tid: tid === null ? '' : String(tid),
      ...(this.#range === null ? {} : rangeAddress(this.#data.temporal!, this.#range)),
      imports: this.#hidesImports ? 'hidden' : '',
      search: this.#search.text,
      layout: this.#graph.isFlipped ? 'flame' : '',
      node: this.#graph.zoomed === 0 ? '' : String(this.#graph.zoomed),
    });
  }

  #command(key: string): boolean {
    const view = VIEWS.find((name, i) => key === `${i + 1}` && document.querySelector(`input[value=${name}]`) !== null);
    if (view !== undefined) this.#choose('view', view);
    else if (key === 'b') this.#choose('unit', 'bytes');
    else if (key === 'c') this.#choose('unit', 'allocations');
    else if (key === 'f') this.#flip();
    else if (key === 'i' && !element('imports').hidden) this.#toggleImports();
    else if (key === '/') this.#search.focus();
    else return false;
    return true;
  }
}

/** What is measured: from the start of the script until the graph is drawn. */
async function main(): Promise<void> {
  performance.mark('script');
  const data = pageData<FlamegraphData>();
  const columns = await decodeColumns(data);
  const window = data.temporal === undefined ? null : await pageWindow(data, columns);
  if (data.inverted) invertColumns(columns);
  new FlamegraphPage(data, columns, window).start();
  requestAnimationFrame(() => performance.mark('drawn'));
  document.documentElement.dataset.ready = 'yes';
}

void main();
