/** The field for a regular expression, and what is said of its matches. */
/// <reference lib="dom" />
import type { FrameColumns } from './decode.ts';
import { searchFrames } from './search.ts';
import { element } from './shell.ts';
import type { Tree } from './tree.ts';

export class SearchBox {
  /** By frame; null: nothing is searched for. */
  matches: Uint8Array | null = null;
  readonly #columns: FrameColumns;
  readonly #field = element<HTMLInputElement>('search');

  constructor(columns: FrameColumns, text: string, onChange: () => void) {
    this.#columns = columns;
    this.#field.value = text;
    this.#find();
    this.#field.addEventListener('input', () => {
      this.#find();
      onChange();
    });
  }

  get text(): string {
    return this.#field.value;
  }

  clear(): void {
    this.#field.value = '';
    this.#find();
  }

  focus(): void {
    this.#field.focus();
  }

  /** `textOf`: of the sum of what is below matches, each node of the tree counted once. */
  showTotal(tree: Tree, total: Float64Array, textOf: (sum: number) => string): void {
    const { matches } = this;
    const output = element('matches');
    if (matches === null) {
      output.textContent = '';
      return;
    }
    const found = tree.matched(total, (node) => matches[this.#columns.node_frame[node]!] === 1);
    output.textContent = found.nodes === 0 ? 'no match' : textOf(found.total);
  }

  #find(): void {
    const { matches, isValid } = searchFrames(this.#columns, this.#field.value);
    this.matches = matches;
    this.#field.classList.toggle('invalid', !isValid);
  }
}
