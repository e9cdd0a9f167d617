/** The footer of the live view: what keys do, as buttons for the mouse. */
import type { LiveModel } from './live-model.ts';

export interface Button {
  key: string;
  /** As it is shown. */
  title: string;
  label: string;
  /** Where there is little room. */
  short: string;
}

/** What a click in these columns of a line does: as if the key had been pressed. */
export interface Target {
  line: number;
  from: number;
  to: number;
  key: string;
}

const GAP = '  ';
const MAX_LINES = 2;

export function buttonsOf(model: LiveModel): Button[] {
  const button = (key: string, title: string, label: string, short: string): Button => ({ key, title, label, short });
  const { replay } = model;
  const isPaused = replay === null ? model.paused !== null : replay.isPaused;
  const pause = replay?.isOver ? 'Again' : isPaused ? 'Unpause' : 'Pause';
  return [
    button('t', 'T', 'Sort by Total', 'Total'),
    button('o', 'O', 'Sort by Own', 'Own'),
    button('a', 'A', 'Sort by Allocations', 'Allocs'),
    button('m', 'M', model.isMerged ? 'Unmerge Threads' : 'Merge Threads', model.isMerged ? 'Unmerge' : 'Merge'),
    button('<', '<', 'Previous Thread', 'Prev'),
    button('>', '>', 'Next Thread', 'Next'),
    button('space', 'SPACE', pause, pause),
    ...(replay === null ? [] : [button(',', ',', 'Back', 'Back'), button('.', '.', 'Forward', 'On')]),
    ...(model.canReplay && !model.data.isRecording ? [button('r', 'R', 'Replay', 'Replay')] : []),
    button('q', 'Q', 'Quit', 'Quit'),
    button('?', '?', 'Help', 'Help'),
    button('enter', 'ENTER', 'Callers', 'Callers'),
    button('/', '/', 'Filter', 'Filter'),
    ...(model.data.processes.size > 1 ? [button('p', 'P', 'Processes', 'Procs')] : []),
    button('S-m', 'S-M', 'Mark', 'Mark'),
    button('d', 'D', model.showsDifference ? 'All' : 'Difference', model.showsDifference ? 'All' : 'Diff'),
    button('l', 'L', model.showsLeaks ? 'All' : 'Leaks', model.showsLeaks ? 'All' : 'Leaks'),
    button('n', 'N', model.locations.hidesNative ? 'Show Native' : 'Hide Native', 'Native'),
    button('f', 'F', 'Flame graph', 'Flame'),
    button('s', 'S', 'Snapshot', 'Snap'),
  ];
}

/** Lines of buttons and where they are; the last ones are left out where there is no room. */
export function footer(buttons: Button[], columns: number, firstLine: number): { lines: string[]; targets: Target[] } {
  for (const isShort of [false, true]) {
    const lines = [''];
    const targets: Target[] = [];
    for (const { key, title, label, short } of buttons) {
      const text = `${title} ${isShort ? short : label}`;
      const line = lines.at(-1)!;
      const isFirst = line === '';
      if (!isFirst && line.length + GAP.length + text.length > columns) lines.push('');
      const from = lines.at(-1) === '' ? 0 : lines.at(-1)!.length + GAP.length;
      if (lines.length > MAX_LINES) break;
      lines[lines.length - 1] = `${lines.at(-1)}${from === 0 ? '' : GAP}${text}`;
      targets.push({ line: firstLine + lines.length - 1, from, to: from + text.length, key });
    }
    if (lines.length <= MAX_LINES || isShort) return { lines: lines.slice(0, MAX_LINES), targets };
  }
  throw new Error('unreachable');
}
