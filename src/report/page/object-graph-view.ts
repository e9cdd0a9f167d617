/** What of the drawing is seen, and how large: moved by dragging and the wheel, zoomed by the wheel with Ctrl. */
/// <reference lib="dom" />
import { BOX, type GraphLayout } from './object-graph-layout.ts';

const MARGIN = 24;
const MIN_SCALE = 0.05;
const MAX_SCALE = 3;
/** Below, nothing can be read. */
const LEGIBLE = 0.6;

export class Viewport {
  readonly #box: HTMLElement;
  readonly #content: SVGGElement;
  readonly #layout: GraphLayout;
  #scale = 1;
  #x = 0;
  #y = 0;

  constructor(box: HTMLElement, content: SVGGElement, layout: GraphLayout) {
    this.#box = box;
    this.#content = content;
    this.#layout = layout;
    this.#scale = Math.max(LEGIBLE, this.#fitting());
    box.addEventListener('wheel', (event) => this.#turn(event), { passive: false });
    box.addEventListener('pointerdown', (event) => this.#drag(event));
  }

  /** All of it. */
  fit(): void {
    this.#scale = this.#fitting();
    this.#x = (this.#box.clientWidth - this.#layout.width * this.#scale) / 2;
    this.#y = (this.#box.clientHeight - this.#layout.height * this.#scale) / 2;
    this.#apply();
  }

  zoom(factor: number, x = this.#box.clientWidth / 2, y = this.#box.clientHeight / 2): void {
    const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, this.#scale * factor));
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#apply();
  }

  /** Moves so that a node is seen; what fits stays in the middle. */
  bring(node: number): void {
    const { x, y, width, height } = this.#layout;
    const { clientWidth, clientHeight } = this.#box;
    const place = (whole: number, at: number, box: number, room: number) => {
      if (whole * this.#scale + 2 * MARGIN <= room) return (room - whole * this.#scale) / 2;
      const wanted = room / 2 - (at + box / 2) * this.#scale;
      return Math.min(MARGIN, Math.max(room - MARGIN - whole * this.#scale, wanted));
    };
    this.#x = place(width, x[node]!, BOX.width, clientWidth);
    this.#y = place(height, y[node]!, BOX.height, clientHeight);
    this.#apply();
  }

  #fitting(): number {
    const { width, height } = this.#layout;
    const { clientWidth, clientHeight } = this.#box;
    return Math.min(1, (clientWidth - 2 * MARGIN) / width, (clientHeight - 2 * MARGIN) / height);
  }

  #turn(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey) {
      const { left, top } = this.#box.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
      return;
    }
    this.#x -= event.shiftKey ? event.deltaY : event.deltaX;
    this.#y -= event.shiftKey ? 0 : event.deltaY;
    this.#apply();
  }

  #drag(down: PointerEvent): void {
    if (down.button !== 0) return;
    const [x, y] = [this.#x - down.clientX, this.#y - down.clientY];
    const move = (event: PointerEvent) => {
      this.#x = x + event.clientX;
      this.#y = y + event.clientY;
      this.#apply();
    };
    const stop = () => removeEventListener('pointermove', move);
    addEventListener('pointermove', move);
    addEventListener('pointerup', stop, { once: true });
  }

  #apply(): void {
    this.#content.setAttribute('transform', `translate(${this.#x},${this.#y}) scale(${this.#scale})`);
  }
}
