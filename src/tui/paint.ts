/** Attributes of text on a terminal; a share of memory has a colour from green to red. */

export interface Paint {
  bold(text: string): string;
  underline(text: string): string;
  warn(text: string): string;
  dim(text: string): string;
  cursor(text: string): string;
  share(text: string, share: number): string;
}

/** Colours of the 256-colour palette, by the share from which on they are used. */
const SHARES: [number, number][] = [
  [0.6, 167],
  [0.4, 208],
  [0.1, 179],
  [0, 71],
];

/** Without `color`, only bold, underlined and reverse: the cursor must be seen. */
export function paintOf(color: boolean): Paint {
  const sgr = (on: string, off: string) => (text: string) => `\x1b[${on}m${text}\x1b[${off}m`;
  return {
    bold: sgr('1', '22'),
    underline: sgr('4', '24'),
    warn: color ? sgr('38;5;208', '39') : sgr('1', '22'),
    dim: color ? sgr('38;5;245', '39') : (text) => text,
    cursor: sgr('7', '27'),
    share: (text, share) => {
      const [, number] = SHARES.find(([least]) => share >= least) ?? SHARES.at(-1)!;
      return color ? sgr(`38;5;${number}`, '39')(text) : text;
    },
  };
}
