/**
 * The flame graph on a canvas that is only as large as the window onto it: the box scrolls, the canvas stays and draws
 * what is in view. Everything above the zoomed frame spans the whole width.
 */
/// <reference lib="dom" />
import { remembered } from '../../util/remembered.ts';
import type { FrameColumns } from './decode.ts';
import { KINDS } from './format.ts';
import { frameLabel, framePlace } from './label.ts';
import { isInterpreted } from './own.ts';
import { type Palette, shadeOf } from './palette.ts';
import { sizedContext } from './shell.ts';
import type { Layout, Tree } from './tree.ts';

const ROW = 20;
const GAP = 1;
const PADDING = 5;
/** Narrower frames are left out with all that is below them. */
const MIN_WIDTH = 0.4;
const FONT = '12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

export interface GraphEvents {
  onHover(node: number | null, x: number, y: number): void;
  onSelect(node: number): void;
  onZoom(node: number): void;
}

export interface GraphData {
  columns: FrameColumns;
  tree: Tree;
  layout: Layout;
  palette: Palette;
  /** Colour of a node; by default that of its language and module. */
  fill?: (node: number) => string;
}

export class Graph {
  zoomed = 0;
  selected = 0;
  isFlipped = false;
  readonly #box: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #spacer: HTMLElement;
  readonly #columns: FrameColumns;
  readonly #tree: Tree;
  readonly #events: GraphEvents;
  readonly #fill: (node: number) => string;
  #layout: Layout;
  #palette: Palette;
  #matches: Uint8Array | null = null;
  #height = 0;
  #charWidth = 7;
  #isScheduled = false;

  constructor(
    parts: { box: HTMLElement; canvas: HTMLCanvasElement; spacer: HTMLElement },
    data: GraphData,
    events: GraphEvents,
  ) {
    this.#box = parts.box;
    this.#canvas = parts.canvas;
    this.#spacer = parts.spacer;
    this.#columns = data.columns;
    this.#tree = data.tree;
    this.#layout = data.layout;
    this.#palette = data.palette;
    this.#events = events;
    this.#fill = data.fill ?? this.#fillByModule(data.columns);
    this.#listen();
  }

  #fillByModule({ frame_module, frame_file, frame_kind, node_frame, texts }: FrameColumns): (node: number) => string {
    const shadeOfText = remembered((text: number) => shadeOf(texts[text]!));
    const shades = new Uint8Array(frame_module.length);
    for (let frame = 0; frame < shades.length; frame++) {
      shades[frame] = shadeOfText(frame_module[frame]! || frame_file[frame]!);
    }
    return (node) => {
      const frame = node_frame[node]!;
      return this.#palette.fills[KINDS[frame_kind[frame]!] ?? 'unknown'][shades[frame]!]!;
    };
  }

  /** New widths; the zoom stays if there is still something to see. */
  setLayout(layout: Layout): void {
    this.#layout = layout;
    if (layout.total[this.zoomed]! === 0) this.zoomed = 0;
    if (layout.total[this.selected]! === 0) this.selected = this.zoomed;
    this.#resize();
  }

  setPalette(palette: Palette): void {
    this.#palette = palette;
    this.schedule();
  }

  /** By frame; null ends the search. */
  setMatches(matches: Uint8Array | null): void {
    this.#matches = matches;
    this.schedule();
  }

  setFlipped(isFlipped: boolean): void {
    this.isFlipped = isFlipped;
    this.#resize();
    this.#box.scrollTop = isFlipped ? this.#box.scrollHeight : 0;
  }

  zoom(node: number): void {
    this.zoomed = node;
    this.selected = node;
    this.#resize();
    this.#reveal(node);
    this.#events.onZoom(node);
  }

  select(node: number): void {
    this.selected = node;
    if (!this.#isInZoom(node)) this.zoom(node);
    this.#reveal(node);
    this.schedule();
    this.#events.onSelect(node);
  }

  /** Where the frame is on the screen. */
  box(node: number): { x: number; y: number; width: number } {
    const area = this.#canvas.getBoundingClientRect();
    const [left, right] = this.#span(node, this.#canvas.clientWidth);
    return { x: area.left + left, y: area.top + this.#top(node) - this.#box.scrollTop, width: right - left };
  }

  /** Draws before the next repaint, however often it is asked for. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  }

  #listen(): void {
    new ResizeObserver(() => this.#resize()).observe(this.#box);
    this.#box.addEventListener('scroll', () => this.schedule());
    this.#canvas.addEventListener('mousemove', (event) => {
      this.#events.onHover(this.#hit(event), event.clientX, event.clientY);
    });
    this.#canvas.addEventListener('mouseleave', () => this.#events.onHover(null, 0, 0));
    this.#canvas.addEventListener('click', (event) => {
      const node = this.#hit(event);
      if (node !== null) this.zoom(node);
    });
  }

  #resize(): void {
    const { total } = this.#layout;
    const least = (total[this.zoomed]! * MIN_WIDTH) / Math.max(1, this.#box.clientWidth);
    const rows = this.#tree.height(this.zoomed, total, least) + 1;
    this.#height = Math.max(rows * ROW, this.#box.clientHeight);
    this.#spacer.style.height = `${Math.max(0, this.#height - this.#box.clientHeight)}px`;
    this.schedule();
  }

  #top(node: number): number {
    const depth = this.#tree.depth[node]!;
    return this.isFlipped ? this.#height - (depth + 1) * ROW : depth * ROW;
  }

  #isInZoom(node: number): boolean {
    return node >= this.zoomed ? node <= this.#tree.last[this.zoomed]! : this.#isAbove(node);
  }

  #isAbove(node: number): boolean {
    return node <= this.zoomed && this.#tree.last[node]! >= this.zoomed;
  }

  #span(node: number, width: number): [number, number] {
    if (this.#isAbove(node)) return [0, width];
    const { begin, total } = this.#layout;
    const scale = width / total[this.zoomed]!;
    const left = (begin[node]! - begin[this.zoomed]!) * scale;
    return [Math.max(0, left), Math.min(width, left + total[node]! * scale)];
  }

  #reveal(node: number): void {
    const top = this.#top(node);
    const { scrollTop, clientHeight } = this.#box;
    if (top < scrollTop) this.#box.scrollTop = top - ROW;
    else if (top + ROW > scrollTop + clientHeight) this.#box.scrollTop = top + 2 * ROW - clientHeight;
  }

  #hit(event: MouseEvent): number | null {
    const y = event.offsetY + this.#box.scrollTop;
    const depth = Math.floor((this.isFlipped ? this.#height - y : y) / ROW);
    if (depth < 0 || this.#layout.total[this.zoomed]! === 0) return null;
    if (depth <= this.#tree.depth[this.zoomed]!) return this.#tree.ancestor(this.zoomed, depth);
    const { begin, total } = this.#layout;
    const position = begin[this.zoomed]! + (event.offsetX / this.#canvas.clientWidth) * total[this.zoomed]!;
    return this.#tree.at(this.#layout, this.zoomed, depth, position) ?? null;
  }

  #draw(): void {
    const width = this.#box.clientWidth;
    const height = this.#box.clientHeight;
    const context = sizedContext(this.#canvas, width, height);
    context.fillStyle = this.#palette.background;
    context.fillRect(0, 0, width, height);
    if (this.#layout.total[this.zoomed]! === 0) return;
    context.font = FONT;
    context.textBaseline = 'middle';
    this.#charWidth = context.measureText('M').width;
    const { last, parent } = this.#tree;
    for (let node = this.zoomed; node !== 0; ) {
      node = parent[node]!;
      this.#drawFrame(context, node, 0, width, height);
    }
    const scale = width / this.#layout.total[this.zoomed]!;
    const origin = this.#layout.begin[this.zoomed]!;
    for (let node = this.zoomed; node <= last[this.zoomed]!; ) {
      const frameWidth = this.#layout.total[node]! * scale;
      if (frameWidth < MIN_WIDTH) {
        node = last[node]! + 1;
        continue;
      }
      const left = (this.#layout.begin[node]! - origin) * scale;
      this.#drawFrame(context, node, left, left + frameWidth, height);
      node++;
    }
    this.#drawRing(context, width);
  }

  #drawFrame(context: CanvasRenderingContext2D, node: number, left: number, right: number, viewHeight: number): void {
    const top = this.#top(node) - this.#box.scrollTop;
    if (top + ROW < 0 || top > viewHeight) return;
    const frame = this.#columns.node_frame[node]!;
    const isMatch = this.#matches?.[frame] === 1;
    const isFaded = (this.#matches !== null && !isMatch) || (node !== this.zoomed && this.#isAbove(node));
    context.globalAlpha = isFaded ? 0.42 : 1;
    context.fillStyle = isMatch ? this.#palette.match : this.#fill(node);
    const width = right - left;
    const inner = width > 3 ? width - GAP : width;
    if (width > 8) {
      context.beginPath();
      context.roundRect(left, top, inner, ROW - GAP, 2);
      context.fill();
    } else context.fillRect(left, top, inner, ROW - GAP);
    context.globalAlpha = isFaded ? 0.7 : 1;
    const characters = Math.floor((inner - 2 * PADDING) / this.#charWidth);
    if (characters >= 3) {
      context.fillStyle = isMatch ? this.#palette.matchText : this.#palette.text;
      const name = this.#columns.texts[this.#columns.frame_function[frame]!]!;
      const place = isInterpreted(this.#columns, frame) ? framePlace(this.#columns, frame) : '';
      context.fillText(frameLabel(name, place, characters), left + PADDING, top + (ROW - GAP) / 2 + 0.5);
    }
    context.globalAlpha = 1;
  }

  #drawRing(context: CanvasRenderingContext2D, width: number): void {
    if (this.selected === 0 || document.activeElement !== this.#box) return;
    const [left, right] = this.#span(this.selected, width);
    context.strokeStyle = this.#palette.ring;
    context.lineWidth = 2;
    const top = this.#top(this.selected) - this.#box.scrollTop;
    context.strokeRect(left + 1, top + 1, Math.max(2, right - left - 3), ROW - GAP - 2);
  }
}
