/**
 * The two kinds of failure that a sentence can explain. `cli/main.ts` catches both; anything else is a bug and keeps its
 * stack.
 */

/** What the user or the environment got wrong: printed as it is, without a stack. */
export class UserError extends Error {
  /** Of the whole program: 1 user or environment, 2 usage, 3 a budget exceeded. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'UserError';
    this.exitCode = exitCode;
  }
}

/** The database refused an operation. `code` is SQLite's name of the reason: `SQLITE_FULL`, `SQLITE_BUSY`, … */
export class StoreError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.name = 'StoreError';
    this.code = code;
  }

  /** No room for the capture, whichever layer noticed it. */
  get isDiskFull(): boolean {
    return ['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE', 'ENOSPC', 'EDQUOT'].includes(this.code);
  }
}
