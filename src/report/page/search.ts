/** Search over frames: a regular expression on function, place and module, without regard to case. */
import type { FrameColumns } from './decode.ts';

export interface Search {
  /** 1 for each matching frame; null if nothing is searched for. */
  matches: Uint8Array | null;
  /** False if the text is no regular expression; it is then searched for as it is. */
  isValid: boolean;
}

export function searchFrames(columns: FrameColumns, text: string): Search {
  if (text === '') return { matches: null, isValid: true };
  const { pattern, isValid } = patternOf(text);
  const { texts } = columns;
  const isTextMatch = Uint8Array.from(texts, (candidate) => (candidate !== '' && pattern.test(candidate) ? 1 : 0));
  const matches = new Uint8Array(columns.frame_function.length);
  for (let frame = 0; frame < matches.length; frame++) {
    const file = texts[columns.frame_file[frame]!]!;
    const isMatch =
      isTextMatch[columns.frame_function[frame]!] ||
      isTextMatch[columns.frame_module[frame]!] ||
      (file !== '' && pattern.test(`${file}:${columns.frame_line[frame]}`));
    matches[frame] = isMatch ? 1 : 0;
  }
  return { matches, isValid };
}

function patternOf(text: string): { pattern: RegExp; isValid: boolean } {
  try {
    return { pattern: new RegExp(text, 'i'), isValid: true };
  } catch {
    return { pattern: new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i'), isValid: false };
  }
}
