/** The page of a differential flame graph. */
/// <reference lib="dom" />
import { formatBytes, formatCount, formatPercent, formatSigned } from '../../util/format.ts';
import { type DiffColumns, decodeColumns } from './decode.ts';
import { type DiffPageData, SIDES, type Side } from './diff-format.ts';
import { UNITS, type Unit } from './format.ts';
import { Graph } from './graph.ts';
import { setUpKeys } from './keys.ts';
import { escapeFromGraph, flipGraph, moveOnGraph } from './move.ts';
import { changeFill, paletteOf } from './palette.ts';
import { SearchBox } from './search-box.ts';
import { addressValues, element, pageData, setAddress, setUpDialog, setUpTheme, type Theme } from './shell.ts';
import { fillFrameTip, frameText, placeTip, tipRow } from './tip.ts';
import { Tree } from './tree.ts';

/** By what frames are as wide as they are. */
const WIDTHS = ['larger', 'after', 'before'] as const;
type Width = (typeof WIDTHS)[number];

type Totals = Record<Unit, Record<Side, Float64Array>>;

class DiffPage {
  readonly #columns: DiffColumns;
  readonly #tree: Tree;
  readonly #totals: Totals;
  readonly #graph: Graph;
  readonly #search: SearchBox;
  #width: Width;
  #unit: Unit;
  #theme: Theme = 'light';
  /** By node. */
  #widths: Float64Array;

  constructor(columns: DiffColumns) {
    const address = addressValues();
    this.#columns = columns;
    this.#tree = new Tree(columns.node_depth);
    this.#width = WIDTHS.find((width) => width === address.get('width')) ?? 'larger';
    this.#unit = UNITS.find((unit) => unit === address.get('unit')) ?? 'bytes';
    const sum = (side: Side, unit: Unit) => this.#sum(columns[`${side}_${unit}`] as Float64Array);
    this.#totals = {
      bytes: { before: sum('before', 'bytes'), after: sum('after', 'bytes') },
      allocations: { before: sum('before', 'allocations'), after: sum('after', 'allocations') },
    };
    this.#widths = this.#widthsOf();
    const parts = { box: element('graph'), canvas: element<HTMLCanvasElement>('frames'), spacer: element('spacer') };
    const layout = this.#tree.layout(this.#widths);
    const fill = (node: number) => changeFill(this.#theme, this.#change(node));
    this.#graph = new Graph(
      parts,
      { columns, tree: this.#tree, layout, palette: paletteOf('light'), fill },
      {
        onHover: (node, x, y) => this.#hover(node, x, y),
        onSelect: (node) => this.#announce(node),
        onZoom: () => this.#showZoom(),
      },
    );
    this.#search = new SearchBox(columns, address.get('search') ?? '', () => this.#searched());
  }

  start(): void {
    setUpTheme(addressValues().get('theme'), (theme) => this.#setTheme(theme));
    setUpDialog('details');
    setUpDialog('help');
    for (const input of document.querySelectorAll<HTMLInputElement>('input[type=radio]')) {
      input.addEventListener('change', () => this.#choose(input.name, input.value));
    }
    element('flip').addEventListener('click', () => this.#flip());
    element('reset').addEventListener('click', () => this.#graph.zoom(0));
    setUpKeys({
      escape: () => escapeFromGraph(this.#search, this.#graph, () => this.#searched()),
      move: (key) => moveOnGraph(key, this.#graph, this.#tree, this.#widths),
      command: (key) => this.#command(key),
    });
    const zoomed = Number(addressValues().get('node') ?? 0);
    const isFlipped = addressValues().get('layout') === 'flame';
    this.#refresh();
    if (zoomed > 0 && this.#widths[zoomed]! > 0) this.#graph.zoom(zoomed);
    if (isFlipped) this.#flip();
  }

  #sum(value: Float64Array): Float64Array {
    const node = this.#columns.leaf_node;
    return this.#tree.totals({ node, thread: node, value }, () => true);
  }

  /** The larger is taken leaf by leaf: what moved from one callee to another makes their caller wider than either. */
  #widthsOf(): Float64Array {
    if (this.#width !== 'larger') return this.#totals[this.#unit][this.#width];
    const [before, after] = SIDES.map((side) => this.#columns[`${side}_${this.#unit}`]) as [Float64Array, Float64Array];
    return this.#sum(before.map((value, i) => Math.max(value, after[i]!)));
  }

  /** By which part of the larger. */
  #change(node: number): number {
    const { before, after } = this.#totals[this.#unit];
    return (after[node]! - before[node]!) / Math.max(before[node]!, after[node]!, 1);
  }

  #refresh(): void {
    this.#widths = this.#widthsOf();
    this.#graph.setLayout(this.#tree.layout(this.#widths));
    for (const input of document.querySelectorAll<HTMLInputElement>('input[type=radio]')) {
      input.checked = input.value === (input.name === 'width' ? this.#width : this.#unit);
    }
    const empty = element('empty');
    empty.hidden = this.#widths[0]! > 0;
    empty.textContent = `Nothing ${this.#width === 'larger' ? 'in this unit' : this.#width}.`;
    this.#showMatches();
    this.#showZoom();
  }

  #choose(name: string, value: string): void {
    if (name === 'width') this.#width = value as Width;
    else this.#unit = value as Unit;
    this.#refresh();
  }

  #flip(): void {
    flipGraph(this.#graph);
    this.#saveState();
  }

  #format(value: number): string {
    return this.#unit === 'bytes' ? formatBytes(value) : `${formatCount(value)} ×`;
  }

  #searched(): void {
    this.#showMatches();
    this.#saveState();
  }

  #showMatches(): void {
    this.#graph.setMatches(this.#search.matches);
    const { before, after } = this.#totals[this.#unit];
    const difference = after.map((value, node) => value - before[node]!);
    this.#search.showTotal(this.#tree, this.#widths, () => {
      const { matches } = this.#search;
      const isMatch = (node: number) => matches![this.#columns.node_frame[node]!] === 1;
      const sum = this.#tree.matched(this.#widths, isMatch, difference).total;
      return formatSigned(sum, (value) => this.#format(value));
    });
  }

  #setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#graph.setPalette(paletteOf(theme));
    const kinds: [change: number, label: string][] = [
      [1, 'more after'],
      [-1, 'less after'],
      [0, 'equal'],
    ];
    element('kinds').replaceChildren(
      ...kinds.map(([change, text]) => {
        const label = document.createElement('span');
        const swatch = document.createElement('i');
        swatch.style.background = changeFill(theme, change);
        label.append(swatch, text);
        return label;
      }),
    );
  }

  #hover(node: number | null, x: number, y: number): void {
    const tip = element('tip');
    if (node === null) {
      tip.hidden = true;
      return;
    }
    const row = (title: string, of: (unit: Unit) => number, isSigned = false) => {
      const text = (value: number, format: (value: number) => string) =>
        isSigned ? formatSigned(value, format) : format(value);
      return tipRow([title, text(of('bytes'), formatBytes), `${text(of('allocations'), formatCount)} ×`]);
    };
    const value = (unit: Unit, side: Side) => this.#totals[unit][side][node]!;
    fillFrameTip(tip, this.#columns, node, [
      row('Before', (unit) => value(unit, 'before')),
      row('After', (unit) => value(unit, 'after')),
      row('Difference', (unit) => value(unit, 'after') - value(unit, 'before'), true),
    ]);
    placeTip(tip, x, y);
  }

  #announce(node: number): void {
    element('live').textContent = this.#sentence(node);
    const { x, y, width } = this.#graph.box(node);
    this.#hover(node, x + Math.min(width / 2, 60), y + 8);
    element('path').textContent = this.#sentence(node);
  }

  /** Also for readers who listen. */
  #sentence(node: number): string {
    const { name, place } = frameText(this.#columns, node);
    const { before, after } = this.#totals[this.#unit];
    const [old, now] = [before[node]!, after[node]!];
    const share = old === 0 || old === now ? '' : `, ${formatSigned(now - old, (n) => formatPercent(n, old))}`;
    const change = formatSigned(now - old, (value) => this.#format(value));
    return `${name}${place ? `, ${place}` : ''}: ${this.#format(old)} → ${this.#format(now)}, ${change}${share}`;
  }

  #showZoom(): void {
    const { zoomed } = this.#graph;
    element<HTMLButtonElement>('reset').disabled = zoomed === 0;
    element('path').textContent = this.#sentence(zoomed);
    this.#saveState();
  }

  #saveState(): void {
    setAddress({
      theme: addressValues().get('theme') ?? '',
      width: this.#width === 'larger' ? '' : this.#width,
      unit: this.#unit === 'bytes' ? '' : this.#unit,
      search: this.#search.text,
      layout: this.#graph.isFlipped ? 'flame' : '',
      node: this.#graph.zoomed === 0 ? '' : String(this.#graph.zoomed),
    });
  }

  #command(key: string): boolean {
    const width = WIDTHS[Number(key) - 1];
    if (width !== undefined) this.#choose('width', width);
    else if (key === 'b') this.#choose('unit', 'bytes');
    else if (key === 'c') this.#choose('unit', 'allocations');
    else if (key === 'f') this.#flip();
    else if (key === '/') this.#search.focus();
    else return false;
    return true;
  }
}

async function main(): Promise<void> {
  const columns = await decodeColumns<DiffColumns>(pageData<DiffPageData>());
  new DiffPage(columns).start();
  document.documentElement.dataset.ready = 'yes';
}

void main();
