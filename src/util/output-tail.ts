/** The last lines of what a program writes. A carriage return begins the line anew, as on a terminal. */
import { StringDecoder } from 'node:string_decoder';

const MAX_LINES = 200;
/** Of one line: it may never end. */
const MAX_LENGTH = 4096;

export class OutputTail {
  readonly #decoder = new StringDecoder('utf8');
  readonly #lines: string[] = [''];
  #listener: () => void = () => undefined;

  /** Oldest first; the last may not have ended yet. */
  get output(): string[] {
    return this.#lines.at(-1) === '' ? this.#lines.slice(0, -1) : this.#lines;
  }

  get text(): string {
    return this.#lines.join('\n');
  }

  onOutput = (listener: () => void): void => {
    this.#listener = listener;
  };

  add(bytes: Uint8Array): void {
    const [first = '', ...others] = this.#decoder.write(bytes).split(/\r?\n/);
    this.#lines.push((this.#lines.pop() ?? '') + first);
    this.#lines.push(...others);
    if (this.#lines.length > MAX_LINES) this.#lines.splice(0, this.#lines.length - MAX_LINES);
    const from = Math.max(0, this.#lines.length - others.length - 1);
    for (let i = from; i < this.#lines.length; i++) this.#lines[i] = shownPart(this.#lines[i]!);
    this.#listener();
  }
}

function shownPart(line: string): string {
  return line.slice(line.replace(/\r+$/, '').lastIndexOf('\r') + 1).slice(0, MAX_LENGTH);
}
