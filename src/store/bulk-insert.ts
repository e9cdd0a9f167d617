/**
 * Inserts rows many at a time: of a short row most of the cost is that of the call.
 *
 *     add row 1 … add row 31      kept
 *     add row 32                  INSERT … VALUES (row 1), …, (row 32)
 *     add row 33, finish          INSERT … VALUES (row 33)
 */

const ROWS = 32;

export type Run = (sql: string, params: readonly unknown[]) => void;

export class BulkInsert {
  readonly #one: string;
  readonly #many: string;
  readonly #columns: number;
  readonly #run: Run;
  #values: unknown[] = [];

  /** `statement` gives the text for some rows of so many columns. */
  constructor(columns: number, statement: (values: string) => string, run: Run) {
    const row = `(${Array(columns).fill('?').join(', ')})`;
    this.#one = statement(row);
    this.#many = statement(Array(ROWS).fill(row).join(', '));
    this.#columns = columns;
    this.#run = run;
  }

  /** Adds a row; it may be written later, with `finish` at the latest. */
  add(...row: unknown[]): void {
    this.#values.push(...row);
    if (this.#values.length < ROWS * this.#columns) return;
    this.#run(this.#many, this.#values);
    this.clear();
  }

  finish(): void {
    for (let at = 0; at < this.#values.length; at += this.#columns) {
      this.#run(this.#one, this.#values.slice(at, at + this.#columns));
    }
    this.clear();
  }

  /** Forgets the rows that were not written. */
  clear(): void {
    this.#values = [];
  }
}
