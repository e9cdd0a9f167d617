/**
 * The only file that knows the SQLite driver. Others get `Db`: SQL text in, plain rows out, errors as UserError (what
 * opening a file can tell its user) or StoreError (what a statement was refused for).
 *
 * A capture is in WAL mode while it is recorded, so any number of readers see the last commit and the writer waits for
 * none of them. A finished one is a plain file.
 */

import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StoreError, UserError } from '../util/errors.ts';
import { parseAddress } from '../util/snapshot-address.ts';
import { extractSnapshot } from './inner-snapshot.ts';
import { APPLICATION_ID, copyAside, FORMAT_VERSION, foreignReason, mustExist } from './open.ts';

export type Value = null | number | bigint | string | Uint8Array;
export type Row = Record<string, Value>;
/** Values of `?` in order, or of `:name` by name. */
export type Params = readonly unknown[] | Readonly<Record<string, unknown>>;

export interface Statement {
  all<R = Row>(params?: Params): R[];
  get<R = Row>(params?: Params): R | undefined;
  /** Rows as they are found; the statement can't be used again until the loop ends. */
  iterate<R = Row>(params?: Params): IterableIterator<R>;
  /** Number of changed rows. */
  run(params?: Params): number;
  /** Names of the result's columns, in order; empty if the statement returns no rows. */
  columns(): string[];
  /** True if it can't change the database. */
  readonly readonly: boolean;
}

export interface Db {
  readonly path: string;
  prepare(sql: string): Statement;
  /** As the methods of Statement; the compiled statement is kept for the next call with the same text. */
  all<R = Row>(sql: string, params?: Params): R[];
  get<R = Row>(sql: string, params?: Params): R | undefined;
  iterate<R = Row>(sql: string, params?: Params): IterableIterator<R>;
  run(sql: string, params?: Params): number;
  /** Any number of statements without parameters. */
  exec(sql: string): void;
  /** Gives this connection a table whose rows `rows` makes. It must not use this connection. */
  addTable(name: string, columns: readonly string[], rows: () => Iterable<Value[]>): void;
  /** All of `work` or nothing. For a reader: everything in `work` sees the same commit. */
  transaction<T>(work: () => T): T;
  close(): void;
}

const PAGE_SIZE_BYTES = 4096;
const BUSY_TIMEOUT_MS = 5000;

/** Whether the file has a table of that name: an older format may lack it. */
export function hasTable(db: Db, name: string): boolean {
  return db.get('SELECT 1 AS found FROM main.sqlite_schema WHERE name = ?', [name]) !== undefined;
}

/**
 * Opens a capture for reading, also one that is still being recorded or whose recorder was killed, or a snapshot inside one
 * (CAPTURE@ID).
 * @throws UserError if there is no such file or it is no capture that this version can read.
 */
export function openReader(path: string): Db {
  const { file, snapshot } = parseAddress(path);
  return snapshot === null ? openFile(file) : openSnapshot(file, snapshot, path);
}

/** A snapshot inside a capture, as a capture in memory. */
function openSnapshot(file: string, id: number, shownPath: string): Db {
  const source = openFile(file);
  const target = guard(() => new DriverDb(new Database(':memory:'), shownPath));
  try {
    target.exec('PRAGMA foreign_keys = OFF');
    createSchema(target);
    target.transaction(() => source.transaction(() => extractSnapshot(source, id, target)));
    return target;
  } catch (error) {
    target.close();
    throw unreadable(shownPath, error);
  } finally {
    source.close();
  }
}

function openFile(path: string): Db {
  mustExist(path);
  try {
    return checkedReader(path, path);
  } catch (error) {
    if (!(error instanceof StoreError) || !/^SQLITE_(CANTOPEN|READONLY)/.test(error.code))
      throw unreadable(path, error);
  }
  // The log of a killed recorder must be replayed, which writes beside the file; somebody else's folder forbids that.
  const aside = copyAside(path);
  try {
    return checkedReader(aside.path, path);
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    aside.remove();
  }
}

/**
 * Opens the empty or absent file `path` for writing and creates the schema in it, to be read by others from then on.
 * @throws StoreError, e.g. with `isDiskFull`.
 */
export function openWriter(path: string, options: { pageSizeBytes?: number } = {}): Db {
  const db = guard(() => new DriverDb(new Database(path, { timeout: BUSY_TIMEOUT_MS }), path));
  try {
    db.exec(`PRAGMA page_size = ${options.pageSizeBytes ?? PAGE_SIZE_BYTES}`);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    // Rows come in the order in which they become known: a child's process row may precede its parent's.
    db.exec('PRAGMA foreign_keys = OFF');
    createSchema(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function createSchema(db: Db): void {
  const schema = readFileSync(new URL('./schema.sql', import.meta.url), 'utf8');
  db.transaction(() => {
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT_VERSION}`);
    db.exec(schema);
  });
}

function checkedReader(path: string, shownPath: string): Db {
  const db = guard(() => new DriverDb(new Database(path, { readonly: true, timeout: BUSY_TIMEOUT_MS }), shownPath));
  try {
    // A capture may come from somebody else: its views must not reach functions with side effects.
    db.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    const reason = foreignReason(db);
    if (reason !== null) throw new StoreError(reason, 'SQLITE_NOTADB');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function unreadable(path: string, error: unknown): Error {
  if (!(error instanceof StoreError)) return error as Error;
  return new UserError(`Failed to read capture ${path}: ${error.message}`);
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Database.SqliteError) throw new StoreError(error.message, error.code);
    // The driver's own complaints: wrong number of parameters, a missing directory.
    if (error instanceof TypeError || error instanceof RangeError) throw new StoreError(error.message, 'SQLITE_MISUSE');
    throw error;
  }
}

class DriverStatement implements Statement {
  readonly #statement: Database.Statement<unknown[]>;

  constructor(statement: Database.Statement<unknown[]>) {
    this.#statement = statement;
  }

  get readonly(): boolean {
    return this.#statement.readonly;
  }

  all<R = Row>(params: Params = []): R[] {
    return guard(() => this.#statement.all(params) as R[]);
  }

  get<R = Row>(params: Params = []): R | undefined {
    return guard(() => this.#statement.get(params) as R | undefined);
  }

  *iterate<R = Row>(params: Params = []): IterableIterator<R> {
    const rows = guard(() => this.#statement.iterate(params));
    try {
      for (;;) {
        const next = guard(() => rows.next());
        if (next.done === true) return;
        yield next.value as R;
      }
    } finally {
      rows.return?.();
    }
  }

  run(params: Params = []): number {
    return guard(() => this.#statement.run(params).changes);
  }

  columns(): string[] {
    return this.#statement.reader ? guard(() => this.#statement.columns().map((column) => column.name)) : [];
  }
}

class DriverDb implements Db {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Statement>();

  constructor(db: Database.Database, path: string) {
    this.#db = db;
    this.path = path;
  }

  prepare(sql: string): Statement {
    return guard(() => new DriverStatement(this.#db.prepare(sql)));
  }

  #cached(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  all<R = Row>(sql: string, params?: Params): R[] {
    return this.#cached(sql).all<R>(params);
  }

  get<R = Row>(sql: string, params?: Params): R | undefined {
    return this.#cached(sql).get<R>(params);
  }

  iterate<R = Row>(sql: string, params?: Params): IterableIterator<R> {
    // Not the kept statement: the loop's body may run the same text.
    return this.prepare(sql).iterate<R>(params);
  }

  run(sql: string, params?: Params): number {
    return this.#cached(sql).run(params);
  }

  exec(sql: string): void {
    guard(() => this.#db.exec(sql));
  }

  addTable(name: string, columns: readonly string[], rows: () => Iterable<Value[]>): void {
    // The driver takes generators only.
    const definition = {
      columns: [...columns],
      rows: function* () {
        yield* rows();
      },
    };
    guard(() => this.#db.table(name, definition));
  }

  transaction<T>(work: () => T): T {
    this.exec(this.#db.readonly ? 'BEGIN' : 'BEGIN IMMEDIATE');
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      // Some failures, a full disk among them, have already rolled back.
      if (this.#db.inTransaction) this.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    guard(() => this.#db.close());
  }
}
