/**
 * Lines of source that a page may carry: only of files below folders that the user has named, whatever a traced program
 * says where its files are, and wherever links lead.
 */
import { realpathSync, statSync } from 'node:fs';
import { sep } from 'node:path';
import { UserError } from '../util/errors.ts';
import { cutEnd } from '../util/format.ts';
import { sourceText } from '../util/source-lines.ts';

const MAX_LENGTH = 200;

export class EmbeddedSource {
  /** Without links. */
  readonly #folders: string[];
  readonly #lines = new Map<string, string[]>();

  /** @throws UserError if a folder does not exist. */
  constructor(folders: readonly string[]) {
    this.#folders = folders.map((folder) => {
      if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new UserError(`No such folder: ${folder}`);
      return realpathSync(folder);
    });
  }

  /** Without its indentation; empty if it may not be shown, or is not there. */
  line({ file, line }: { file: string; line: number }): string {
    if (line < 1 || this.#folders.length === 0) return '';
    let lines = this.#lines.get(file);
    if (lines === undefined) {
      lines = this.#isAllowed(file) ? (sourceText(file)?.split('\n') ?? []) : [];
      this.#lines.set(file, lines);
    }
    return cutEnd((lines[line - 1] ?? '').trim(), MAX_LENGTH);
  }

  #isAllowed(file: string): boolean {
    try {
      const path = realpathSync(file);
      return this.#folders.some((folder) => path.startsWith(folder === sep ? sep : folder + sep));
    } catch {
      return false;
    }
  }
}
