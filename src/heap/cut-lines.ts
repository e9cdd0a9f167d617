import { printable } from '../util/format.ts';

/** Text that a target chose, in lines of at most `width` columns; spaces are preferred to break at. */
export function cutLines(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = [...printable(text)];
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end).join(''));
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...lines, rest.join('')];
}
