/**
 * The range of time that is chosen on the plot: two handles, a grip between them that moves both, and dragging anywhere
 * else for a new range. It always has whole intervals, and at least one.
 */
/// <reference lib="dom" />
import { formatSeconds } from '../../util/format.ts';
import type { PageTime } from './format.ts';
import type { Plot } from './plot.ts';
import { element } from './shell.ts';
import type { Range } from './window.ts';

/** Keys move a handle by an interval, or with Shift or by pages by this share of the time line. */
const PAGE = 0.05;

export class RangeHandles {
  readonly #time: PageTime;
  readonly #plot: Plot;
  readonly #onChange: (range: Range, isDone: boolean) => void;
  #range: Range;

  /** `onChange`: also while a handle is being dragged, `isDone` at its end. */
  constructor(time: PageTime, plot: Plot, initial: Range, onChange: (range: Range, isDone: boolean) => void) {
    this.#time = time;
    this.#plot = plot;
    this.#range = initial;
    this.#onChange = onChange;
    plot.onDraw = () => this.#place();
    this.#setUpHandle('from');
    this.#setUpHandle('to');
    this.#drag(element('range-grip'), (start, moved) => shifted(start, moved, time.intervals));
    this.#drag(element('plot'), (_, moved, at) => {
      const first = Math.floor(at - moved);
      const last = Math.floor(at);
      return moved === 0 ? null : { from: Math.min(first, last), to: Math.max(first, last) + 1 };
    });
    element('range-all').addEventListener('click', () => this.#set({ from: 0, to: time.intervals }, true));
    this.#place();
  }

  #setUpHandle(side: keyof Range): void {
    const handle = element(`range-${side}`);
    const moveTo = (at: number): Range => ({ ...this.#range, [side]: Math.round(at) });
    this.#drag(handle, (start, moved) => this.#withSide(start, side, Math.round(start[side] + moved)));
    handle.addEventListener('keydown', (event) => {
      const { intervals } = this.#time;
      const page = Math.max(1, Math.round(intervals * PAGE));
      const step = event.shiftKey ? page : 1;
      const at = this.#range[side];
      const targets: Record<string, number> = {
        ArrowLeft: at - step,
        ArrowDown: at - step,
        ArrowRight: at + step,
        ArrowUp: at + step,
        PageDown: at - page,
        PageUp: at + page,
        Home: 0,
        End: intervals,
      };
      const target = targets[event.key];
      if (target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      this.#set(this.#withSide(moveTo(at), side, target), true);
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** The other side stays where it is. */
  #withSide(range: Range, side: keyof Range, at: number): Range {
    const { intervals } = this.#time;
    if (side === 'from') return { ...range, from: Math.max(0, Math.min(at, range.to - 1)) };
    return { ...range, to: Math.min(intervals, Math.max(at, range.from + 1)) };
  }

  /** `rangeOf` gets the range at the start, how far the pointer has moved and where it is, in intervals. */
  #drag(target: HTMLElement, rangeOf: (start: Range, moved: number, at: number) => Range | null): void {
    target.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      const start = this.#range;
      const begin = this.#intervalAt(event.clientX);
      const at = (clientX: number) => this.#intervalAt(clientX);
      const onMove = (moved: PointerEvent) => {
        const range = rangeOf(start, at(moved.clientX) - begin, at(moved.clientX));
        if (range !== null) this.#set(range, false);
      };
      const onEnd = () => {
        target.removeEventListener('pointermove', onMove);
        if (this.#range !== start) this.#set(this.#range, true);
      };
      target.setPointerCapture(event.pointerId);
      target.addEventListener('pointermove', onMove);
      target.addEventListener('lostpointercapture', onEnd, { once: true });
      if (target.tabIndex >= 0) target.focus();
      event.preventDefault();
    });
  }

  #intervalAt(clientX: number): number {
    const { interval_ms, intervals } = this.#time;
    const at = this.#plot.msAt(clientX) / interval_ms;
    return Math.max(0, Math.min(at, intervals - 1e-9));
  }

  #set(range: Range, isDone: boolean): void {
    const isSame = range.from === this.#range.from && range.to === this.#range.to;
    this.#range = range;
    this.#place();
    if (!isSame || isDone) this.#onChange(range, isDone);
  }

  #place(): void {
    const { interval_ms, intervals } = this.#time;
    const x = (at: number) => this.#plot.xOf(at * interval_ms);
    const seconds = (at: number) => formatSeconds(at * interval_ms * 1e6);
    for (const side of ['from', 'to'] as const) {
      const handle = element(`range-${side}`);
      handle.style.left = `${x(this.#range[side])}px`;
      handle.setAttribute('aria-valuemin', '0');
      handle.setAttribute('aria-valuemax', String(intervals));
      handle.setAttribute('aria-valuenow', String(this.#range[side]));
      handle.setAttribute('aria-valuetext', seconds(this.#range[side]));
    }
    const grip = element('range-grip');
    grip.style.left = `${x(this.#range.from)}px`;
    grip.style.width = `${x(this.#range.to) - x(this.#range.from)}px`;
    element('range-text').textContent = `${seconds(this.#range.from)} – ${seconds(this.#range.to)}`;
    element<HTMLButtonElement>('range-all').disabled = this.#range.from === 0 && this.#range.to === intervals;
  }
}

/** Moved as a whole, as far as there is room. */
function shifted({ from, to }: Range, moved: number, intervals: number): Range {
  const by = Math.max(-from, Math.min(Math.round(moved), intervals - to));
  return { from: from + by, to: to + by };
}

/** Seconds in the address of the page; what makes no sense is the range that the page was made for. */
export function rangeOfAddress(time: PageTime, from: string | null, to: string | null): Range {
  const at = (text: string | null, otherwise: number) => {
    const seconds = Number.parseFloat(text ?? '');
    return Number.isNaN(seconds) ? otherwise : Math.round((seconds * 1000) / time.interval_ms);
  };
  const range = { from: Math.max(0, at(from, time.from)), to: Math.min(time.intervals, at(to, time.to)) };
  return range.from < range.to ? range : { from: time.from, to: time.to };
}

export function rangeAddress(time: PageTime, { from, to }: Range): { from: string; to: string } {
  const seconds = (at: number) => String(Number(((at * time.interval_ms) / 1000).toFixed(2)));
  return {
    from: from === time.from ? '' : seconds(from),
    to: to === time.to ? '' : seconds(to),
  };
}
