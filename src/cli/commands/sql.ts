import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { type QueryResult, resultCsv, resultJson, resultTable } from '../../report/query-result.ts';
import { readyQueriesText } from '../../report/ready-queries.ts';
import { completions, type Relation } from '../../report/sql-completion.ts';
import { splitStatements } from '../../report/sql-statements.ts';
import type { Db } from '../../store/db.ts';

import { StoreError, UserError } from '../../util/errors.ts';
import { printable, wrap } from '../../util/format.ts';
import type { Output } from '../../util/output.ts';
import { addExample, defaultOutput, layoutOf } from '../reports/report-options.ts';

/** Where statements come from if the command line has none. */
export type SqlInput = NodeJS.ReadableStream & { isTTY?: boolean };

interface SqlOptions {
  json?: boolean;
  csv?: boolean;
}

const READ_ONLY = 'mp sql only reads; to change data, copy the capture and open the copy with another SQLite client.';

/** Beside the compiled sources. */
const EXTENSION = fileURLToPath(new URL('../../../../mp_events', import.meta.url));
const SHELL_HINT = `The sqlite3 shell opens captures, too, and has the events after\n  .load ${EXTENSION}`;

export function register(program: Command, output?: Output, input?: SqlInput): void {
  const command = program
    .command('sql')
    .description('run a read-only query, or ask for queries')
    .argument('<capture>', 'capture file')
    .argument('[query]', 'SQL; without it, statements are read from the terminal or from stdin')
    .option('--json', 'print JSON')
    .option('--csv', 'print CSV');
  addExample(
    command,
    'mp sql mp-app.42.db "SELECT function, sum(bytes) FROM leaks GROUP BY function ORDER BY 2 DESC LIMIT 5"',
    'mp sql mp-app.42.db "SELECT * FROM events LIMIT 5"    of a capture recorded with --events',
  );
  command.addHelpText('after', () => `\n${SHELL_HINT}`);
  command.action(async (path: string, query: string | undefined, options: SqlOptions) => {
    if (options.json && options.csv) throw new UserError('--json and --csv exclude each other.', 2);
    const { openReader } = await import('../../store/db.ts');
    const { addEventsView } = await import('../../store/events.ts');
    const db = openReader(path);
    try {
      addEventsView(db);
      await answer(db, query, options, output ?? defaultOutput(), input ?? process.stdin);
    } finally {
      db.close();
    }
  });
}

async function answer(
  db: Db,
  query: string | undefined,
  options: SqlOptions,
  output: Output,
  input: SqlInput,
): Promise<void> {
  if (query === undefined && input.isTTY) return converse(db, options, output, input);
  const { statements, rest } = splitStatements(query ?? (await readAll(input)));
  for (const sql of [...statements, ...(rest === '' ? [] : [rest])]) output.out(run(db, sql, options, output));
}

/** Text of the result; empty if the statement gives none. */
function run(db: Db, sql: string, options: SqlOptions, output: Output): string {
  try {
    const statement = db.prepare(sql);
    if (!statement.readonly) throw new UserError(READ_ONLY);
    const columns = statement.columns();
    if (columns.length === 0) {
      statement.run();
      return '';
    }
    return formatted(queryResult(db, sql, columns), options, output);
  } catch (error) {
    if (error instanceof StoreError) throw new UserError(isWrite(error) ? READ_ONLY : `SQL error: ${error.message}`);
    throw error;
  }
}

/** SQLite refuses to compile a change of a view, and a few pragmas only when they run. */
function isWrite(error: StoreError): boolean {
  return error.code.startsWith('SQLITE_READONLY') || error.message.startsWith('cannot modify');
}

/** Rows are objects, in which columns of one name would be one: SQLite gives those of a subquery distinct names. */
function queryResult(db: Db, sql: string, columns: string[]): QueryResult {
  if (new Set(columns).size === columns.length) return rowsOf(db, sql, columns);
  const distinct = `SELECT * FROM (${sql}\n)`;
  return { ...rowsOf(db, distinct, db.prepare(distinct).columns()), columns };
}

function rowsOf(db: Db, sql: string, columns: string[]): QueryResult {
  return {
    columns,
    rows: db
      .prepare(sql)
      .all()
      .map((row) => columns.map((name) => row[name]!)),
  };
}

function formatted(result: QueryResult, options: SqlOptions, output: Output): string {
  if (options.json) return resultJson(result);
  if (options.csv) return resultCsv(result);
  return resultTable(result, layoutOf(output), output.isTTY);
}

async function converse(db: Db, options: SqlOptions, output: Output, input: SqlInput): Promise<void> {
  output.out(viewList(db, output.columns));
  output.out('A query ends with a semicolon. Tab completes names; .views lists them again, .examples shows queries,\n');
  output.out('.quit or Ctrl-D leaves.\n');
  let pending = '';
  const known = relations(db);
  const completer = (line: string) => completions(pending + line, known);
  const lines = createInterface({ input, output: process.stdout, prompt: 'mp> ', completer });
  lines.prompt();
  for await (const line of lines) {
    if (pending === '' && ['.quit', '.exit'].includes(line.trim())) break;
    if (pending === '' && line.trim() === '.views') output.out(viewList(db, output.columns));
    else if (pending === '' && line.trim() === '.examples') output.out(readyQueriesText());
    else {
      const { statements, rest } = splitStatements(`${pending}${line}\n`);
      for (const sql of statements) output.out(runOrExplain(db, sql, options, output));
      pending = rest;
    }
    lines.setPrompt(pending === '' ? 'mp> ' : '...> ');
    lines.prompt();
  }
  lines.close();
}

/** A mistake does not end the conversation. */
function runOrExplain(db: Db, sql: string, options: SqlOptions, output: Output): string {
  try {
    return run(db, sql, options, output);
  } catch (error) {
    if (error instanceof UserError) return `${error.message}\n`;
    throw error;
  }
}

/** The views and tables of a capture with their columns. */
export function viewList(db: Db, width: number): string {
  const entry = ({ name, columns }: Relation) => wrap(printable(`${name}: ${columns.join(', ')}`), width - 2, '    ');
  const section = (title: string, type: string) => [
    title,
    ...relations(db)
      .filter((relation) => relation.type === type)
      .flatMap(entry)
      .map((line) => `  ${line}`),
    '',
  ];
  return `${[...section('Views:', 'view'), ...section('Tables:', 'table')].join('\n')}\n`;
}

/** Views and tables, those too that this connection has for itself. */
function relations(db: Db): (Relation & { type: string })[] {
  const columns = (name: string) => db.prepare(`SELECT * FROM "${name.replaceAll('"', '""')}"`).columns();
  return db
    .all<{ name: string; type: string }>(
      "SELECT name, type FROM sqlite_schema WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .map(({ name, type }) => ({ name, type, columns: columns(name) }));
}

async function readAll(input: SqlInput): Promise<string> {
  let text = '';
  for await (const part of input) text += part;
  return text;
}
