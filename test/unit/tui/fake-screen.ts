import type { MouseScreen } from '../../../src/tui/screen.ts';
import { plain } from './live-capture.ts';

/** A screen that remembers what was drawn, and whose keys and mouse a test uses. */
export class FakeScreen implements MouseScreen {
  columns: number;
  rows: number;
  lines: string[] = [];
  suspended = 0;
  closed = 0;
  press: (key: string, character?: string) => void = () => undefined;
  click: (column: number, row: number) => void = () => undefined;
  turnWheel: (by: number) => void = () => undefined;
  resize: () => void = () => undefined;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** See `plain`. */
  get text(): string {
    return plain(this.lines);
  }

  draw(lines: string[]): void {
    this.lines = lines;
  }
  onKey(listener: (key: string, character?: string) => void): void {
    this.press = listener;
  }
  onClick(listener: (column: number, row: number) => void): void {
    this.click = listener;
  }
  onWheel(listener: (by: number) => void): void {
    this.turnWheel = listener;
  }
  onResize(listener: () => void): void {
    this.resize = listener;
  }
  suspend(): void {
    this.suspended++;
  }
  close(): void {
    this.closed++;
  }
}
