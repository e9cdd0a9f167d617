/**
 * What is typed on the terminal, for neo-blessed, with each report of the mouse on its own. Of what it reads at once
 * neo-blessed takes one report and nothing else: wheels would turn too slowly, and keys after a click would be lost.
 *
 *     ESC[<0;5;7M ESC[<0;5;7m >      read at once, as three
 */
import { PassThrough } from 'node:stream';
import type { ReadStream } from 'node:tty';

const ESC = '\x1b';
const MOUSE_REPORT = new RegExp(`(${ESC}\\[<[\\d;]+[Mm])`);

export function splitReports(text: string): string[] {
  return text.split(MOUSE_REPORT).filter((part) => part !== '');
}

export class TerminalInput extends PassThrough {
  readonly isTTY = true;
  readonly #terminal: ReadStream;
  readonly #listener = (bytes: Buffer) => {
    // byte for byte: a character may continue in the next ones
    for (const part of splitReports(bytes.toString('latin1'))) this.write(Buffer.from(part, 'latin1'));
  };

  constructor(terminal: ReadStream = process.stdin) {
    super();
    this.#terminal = terminal;
    terminal.on('data', this.#listener);
  }

  get isRaw(): boolean {
    return this.#terminal.isRaw;
  }

  setRawMode(isRaw: boolean): this {
    this.#terminal.setRawMode(isRaw);
    return this;
  }

  /** The terminal is read by nobody from then on. */
  close(): void {
    this.#terminal.off('data', this.#listener);
    this.#terminal.pause();
    this.end();
  }
}
