/** Runs a command as the program would, with its output in strings and a folder of its own for captures. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Command } from 'commander';
import type { Facts } from '../../../src/report/facts.ts';
import { readFacts } from '../../../src/report/facts.ts';
import type { Layout } from '../../../src/report/header.ts';
import type { Capture } from '../../../src/report/report.ts';
import type { Selection } from '../../../src/report/selection.ts';
import { openReader } from '../../../src/store/db.ts';
import { Reader } from '../../../src/store/reader.ts';
import { type Output, styleOf } from '../../../src/util/output.ts';

export const PLAIN: Layout = { columns: 120, style: styleOf(false) };

export const HIGH_WATERMARK: Selection = { view: 'high_watermark', threshold: 1, pid: null, tid: null };

export interface Ran {
  out: string;
  err: string;
}

type Register = (program: Command, output?: Output) => void;

/** @throws what the command throws: UserError, or CommanderError for a wrong use. */
export async function runCommand(register: Register, args: string[], columns = 120, isTTY = false): Promise<Ran> {
  const ran: Ran = { out: '', err: '' };
  const output: Output = {
    out: (text) => {
      ran.out += text;
    },
    err: (text) => {
      ran.err += text;
    },
    isTTY,
    columns,
    color: false,
  };
  const program = new Command('mp').exitOverride();
  register(program, output);
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  }
  await program.parseAsync(args, { from: 'user' });
  return ran;
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mp-report-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A capture that `build` made, open for reports. */
export function openCapture(t: TestContext, build: (path: string) => void, facts: Partial<Facts> = {}): Capture {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  build(path);
  const db = openReader(path);
  t.after(() => db.close());
  const source = new Reader(db);
  return { source, facts: { ...readFacts(source, 'mp-app.100.db', 'complete'), ...facts } };
}

/** Rows as `Source.columns` gives them. */
export function columnsOf<Row, Field extends keyof Row & string>(
  rows: Row[],
  fields: readonly Field[],
): { [Name in Field]: Row[Name][] } {
  const columns = fields.map((field) => [field, rows.map((row) => row[field])]);
  return Object.fromEntries(columns) as { [Name in Field]: Row[Name][] };
}
