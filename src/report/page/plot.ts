/** Memory over time: heap as an area, resident set as a line, and the values under the pointer. */
/// <reference lib="dom" />
import { formatBytes } from '../../util/format.ts';
import type { Palette } from './palette.ts';
import { sizedContext } from './shell.ts';
import type { Point } from './timeline.ts';

const HEIGHT = 92;
const LEFT = 74;
const BOTTOM = 18;
const TOP = 8;
const RIGHT = 10;

interface Scales {
  width: number;
  begin: number;
  span: number;
  most: number;
  x(ms: number): number;
  y(bytes: number): number;
  fromX(x: number): number;
}

/** A part of the time line in milliseconds, and where in it the high watermark is. */
export interface Marked {
  from: number;
  to: number;
  peak: { from: number; to: number } | null;
}

export class Plot {
  /** Called after everything was drawn anew. */
  onDraw: () => void = () => undefined;
  readonly #canvas: HTMLCanvasElement;
  readonly #value: HTMLElement;
  #points: Point[] = [];
  #palette: Palette;
  #hover: Point | null = null;
  #end: number | null = null;
  #marked: Marked | null = null;

  constructor(canvas: HTMLCanvasElement, value: HTMLElement, palette: Palette) {
    this.#canvas = canvas;
    this.#value = value;
    this.#palette = palette;
    new ResizeObserver(() => this.#draw()).observe(canvas.parentElement!);
    canvas.addEventListener('mousemove', (event) => this.#point(event.offsetX));
    canvas.addEventListener('mouseleave', () => this.#show(null));
  }

  setPoints(points: Point[]): void {
    this.#points = points;
    this.#show(null);
  }

  /** The plot then goes from 0 to `endMs`, whatever points there are. */
  setEnd(endMs: number): void {
    this.#end = endMs;
  }

  /** What is outside is dimmed. */
  setMarked(marked: Marked): void {
    this.#marked = marked;
    this.#show(this.#hover);
  }

  /** In CSS pixels of the canvas. */
  xOf(ms: number): number {
    return this.#scales().x(ms);
  }

  msAt(clientX: number): number {
    return this.#scales().fromX(clientX - this.#canvas.getBoundingClientRect().left);
  }

  setPalette(palette: Palette): void {
    this.#palette = palette;
    this.#draw();
  }

  #point(x: number): void {
    const { fromX } = this.#scales();
    const time = fromX(x);
    let nearest: Point | null = null;
    for (const point of this.#points) {
      if (nearest === null || Math.abs(point.ms - time) < Math.abs(nearest.ms - time)) nearest = point;
    }
    this.#show(nearest);
  }

  #show(point: Point | null): void {
    this.#hover = point;
    const shown = point ?? this.#peak();
    this.#value.textContent = shown === null ? '' : `${point ? '' : 'Peak '}${describe(shown)}`;
    this.#draw();
  }

  /** With a range, that of the range: there the heap may rest for long at its largest, and no point be near. */
  #peak(): Point | null {
    const peak = this.#marked?.peak;
    if (peak) {
      const until = this.#points.filter((point) => point.ms < peak.to);
      const within = until.filter((point) => point.ms >= peak.from);
      const [largest] = [...until.slice(-within.length - 1)].sort((a, b) => b.heap - a.heap);
      return largest === undefined ? null : { ...largest, ms: peak.from };
    }
    return this.#points.reduce<Point | null>((peak, p) => (peak === null || p.heap >= peak.heap ? p : peak), null);
  }

  #scales(): Scales {
    const width = Math.max(1, this.#canvas.parentElement!.clientWidth);
    const begin = this.#end === null ? (this.#points[0]?.ms ?? 0) : 0;
    const span = Math.max(1e-6, (this.#end ?? this.#points.at(-1)?.ms ?? 0) - begin);
    const most = this.#points.reduce((max, p) => Math.max(max, p.heap, Number.isNaN(p.rss) ? 0 : p.rss), 1);
    const room = width - LEFT - RIGHT;
    const tall = HEIGHT - TOP - BOTTOM;
    return {
      width,
      begin,
      span,
      most,
      x: (ms: number) => LEFT + ((ms - begin) / span) * room,
      y: (bytes: number) => TOP + tall * (1 - bytes / most),
      fromX: (x: number) => begin + ((x - LEFT) / room) * span,
    };
  }

  #draw(): void {
    const scales = this.#scales();
    const context = sizedContext(this.#canvas, scales.width, HEIGHT);
    context.clearRect(0, 0, scales.width, HEIGHT);
    if (this.#points.length === 0) return;
    this.#drawAxes(context, scales);
    this.#drawPeak(context, scales);
    this.#drawHeap(context, scales);
    context.strokeStyle = this.#palette.rss;
    context.lineWidth = 1.5;
    context.beginPath();
    const known = this.#points.filter((point) => !Number.isNaN(point.rss));
    drawSteps(context, scales, known, (point) => point.rss);
    context.stroke();
    this.#drawOutside(context, scales);
    this.#drawPoint(context, scales);
    this.onDraw();
  }

  #drawPoint(context: CanvasRenderingContext2D, scales: Scales): void {
    const marked = this.#hover ?? (this.#marked === null ? this.#peak()! : null);
    if (marked === null) return;
    context.strokeStyle = this.#palette.muted;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(scales.x(marked.ms), TOP);
    context.lineTo(scales.x(marked.ms), HEIGHT - BOTTOM);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = this.#palette.heap;
    context.beginPath();
    context.arc(scales.x(marked.ms), scales.y(marked.heap), 3.5, 0, 2 * Math.PI);
    context.fill();
  }

  /** At least two pixels wide. */
  #drawPeak(context: CanvasRenderingContext2D, { x }: Scales): void {
    const peak = this.#marked?.peak;
    if (!peak) return;
    context.fillStyle = this.#palette.peak;
    context.fillRect(x(peak.from), TOP, Math.max(2, x(peak.to) - x(peak.from)), HEIGHT - TOP - BOTTOM);
  }

  #drawOutside(context: CanvasRenderingContext2D, { x, width }: Scales): void {
    if (this.#marked === null) return;
    const { from, to } = this.#marked;
    context.globalAlpha = 0.72;
    context.fillStyle = this.#palette.background;
    context.fillRect(LEFT, TOP, x(from) - LEFT, HEIGHT - TOP - BOTTOM);
    context.fillRect(x(to), TOP, width - RIGHT - x(to), HEIGHT - TOP - BOTTOM);
    context.globalAlpha = 1;
  }

  #drawHeap(context: CanvasRenderingContext2D, scales: Scales): void {
    const { x, y } = scales;
    const points = this.#points;
    context.beginPath();
    context.moveTo(x(points[0]!.ms), y(0));
    drawSteps(context, scales, points, (point) => point.heap);
    context.lineTo(x(points.at(-1)!.ms), y(0));
    context.fillStyle = this.#palette.heapFill;
    context.fill();
    context.strokeStyle = this.#palette.heap;
    context.lineWidth = 1.75;
    context.lineJoin = 'round';
    context.beginPath();
    drawSteps(context, scales, points, (point) => point.heap);
    context.stroke();
  }

  #drawAxes(context: CanvasRenderingContext2D, { width, begin, span, most, x, y }: Scales): void {
    context.font = '11px system-ui, sans-serif';
    context.fillStyle = this.#palette.muted;
    context.strokeStyle = this.#palette.line;
    context.lineWidth = 1;
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    for (const bytes of byteTicks(most)) {
      const at = Math.round(y(bytes)) + 0.5;
      context.beginPath();
      context.moveTo(LEFT, at);
      context.lineTo(width - RIGHT, at);
      context.stroke();
      context.fillText(tickBytes(bytes), LEFT - 8, at);
    }
    context.textBaseline = 'alphabetic';
    for (const ms of timeTicks(begin, begin + span, Math.max(2, Math.floor(width / 140)))) {
      context.textAlign = x(ms) > width - 40 ? 'right' : 'center';
      context.fillText(tickTime(ms), Math.min(x(ms), width - RIGHT), HEIGHT - 4);
    }
  }
}

/** A value stays until the next point: where nothing happened there are none. */
function drawSteps(
  context: CanvasRenderingContext2D,
  { x, y }: Scales,
  points: Point[],
  bytesOf: (point: Point) => number,
): void {
  let before = 0;
  for (const [i, point] of points.entries()) {
    const height = y(bytesOf(point));
    if (i > 0) context.lineTo(x(point.ms), before);
    context.lineTo(x(point.ms), height);
    before = height;
  }
}

function describe(point: Point): string {
  const rss = Number.isNaN(point.rss) ? '' : ` · RSS ${formatBytes(point.rss)}`;
  return `heap ${formatBytes(point.heap)}${rss} at ${tickTime(point.ms)}`;
}

function byteTicks(most: number): number[] {
  let step = 2 ** Math.floor(Math.log2(Math.max(1, most / 2)));
  if (most / step > 4) step *= 2;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
}

const tickBytes = (bytes: number): string => formatBytes(bytes).replace(/\.000 /, ' ');

function timeTicks(from: number, to: number, count: number): number[] {
  const raw = (to - from) / count;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((candidate) => candidate >= raw)!;
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) ticks.push(tick);
  return ticks;
}

function tickTime(ms: number): string {
  if (ms !== 0 && Math.abs(ms) < 1000) return `${Number(ms.toPrecision(3))} ms`;
  return ms < 120_000 ? `${Number((ms / 1000).toFixed(2))} s` : `${Number((ms / 60_000).toFixed(1))} min`;
}
