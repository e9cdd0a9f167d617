/**
 * What stands in a frame of the graph. A line of Python or JavaScript is a place in a file, so it is part of the label as
 * long as there is room, first without its directories, then not at all:
 *
 *     Archive.pack /srv/app/archive.py:12
 *     Archive.pack …/archive.py:12
 *     Archive.pack
 *     Archive.p…
 */
import { shortenPath } from '../../util/format.ts';
import { shortenName } from '../names.ts';
import type { FrameColumns } from './decode.ts';

/** `file:line`, or the file if the line is not known; empty if the file is not. */
export function framePlace(columns: FrameColumns, frame: number): string {
  const file = columns.texts[columns.frame_file[frame]!]!;
  const line = columns.frame_line[frame]!;
  return file === '' || line === 0 ? file : `${file}:${line}`;
}

/** At most `width` characters. `place` is empty for frames that show only their function. */
export function frameLabel(name: string, place: string, width: number): string {
  const room = width - name.length - 1;
  if (place.length <= room && place !== '') return `${name} ${place}`;
  const short = shortenPath(place, Math.max(room, 0));
  const keepsFile = /^(?:node:)?…\//.test(short) && short.length <= room;
  return keepsFile ? `${name} ${short}` : shortenName(name, width);
}
