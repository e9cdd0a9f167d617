/** The box beside the pointer: everything about one frame. */
/// <reference lib="dom" />
import { formatBytes, formatCount, formatPercent } from '../../util/format.ts';
import type { FrameColumns } from './decode.ts';
import { framePlace } from './label.ts';

export interface FrameValues {
  bytes: Float64Array;
  allocations: Float64Array;
}

export interface FrameText {
  name: string;
  place: string;
  module: string;
}

export function frameText(columns: FrameColumns, node: number): FrameText {
  const frame = columns.node_frame[node]!;
  const text = (column: 'frame_function' | 'frame_module') => columns.texts[columns[column][frame]!]!;
  const inlined = columns.frame_inlined[frame] ? ' (inlined)' : '';
  return {
    name: text('frame_function') + inlined,
    place: framePlace(columns, frame),
    module: text('frame_module'),
  };
}

/** One sentence for readers who listen. */
export function frameSentence(columns: FrameColumns, values: FrameValues, node: number): string {
  const { name, place } = frameText(columns, node);
  const bytes = values.bytes[node]!;
  const share = formatPercent(bytes, values.bytes[0]!);
  return `${name}${place ? `, ${place}` : ''}: ${formatBytes(bytes)}, ${share}, ${formatCount(values.allocations[node]!)} allocations`;
}

/** `own`: what is attributed to the frame itself, see `own.ts`; null if that means nothing. */
export function fillTip(
  tip: HTMLElement,
  columns: FrameColumns,
  values: FrameValues,
  own: { bytes: number; allocations: number } | null,
  node: number,
): void {
  const row = (title: string, bytes: number, count: number) =>
    tipRow([title, formatBytes(bytes), formatPercent(bytes, values.bytes[0]!), `${formatCount(count)} ×`]);
  fillFrameTip(tip, columns, node, [
    row('Total', values.bytes[node]!, values.allocations[node]!),
    ...(own === null ? [] : [row('Own', own.bytes, own.allocations)]),
  ]);
}

/** What every tip says of a frame, and rows of numbers. */
export function fillFrameTip(tip: HTMLElement, columns: FrameColumns, node: number, rows: HTMLElement[]): void {
  const { name, place, module } = frameText(columns, node);
  const source = columns.texts[columns.frame_source?.[columns.node_frame[node]!] ?? 0]!;
  tip.replaceChildren(
    withText('strong', name),
    ...[place, module].filter((text) => text !== '').map((text) => withText('p', text)),
    ...(source === '' ? [] : [withText('code', source)]),
    withChildren('table', rows),
  );
}

/** A row of a tip: its title and what belongs to it. */
export function tipRow(cells: string[]): HTMLElement {
  return withChildren(
    'tr',
    cells.map((cell, i) => withText(i === 0 ? 'th' : 'td', cell)),
  );
}

/** Near the pointer, inside the window. */
export function placeTip(tip: HTMLElement, x: number, y: number): void {
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = x + 14 + width > innerWidth ? Math.max(8, x - 14 - width) : x + 14;
  const top = y + 18 + height > innerHeight ? Math.max(8, y - 12 - height) : y + 18;
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

function withText(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function withChildren(tag: string, children: HTMLElement[]): HTMLElement {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
