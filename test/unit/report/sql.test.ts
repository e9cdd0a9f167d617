import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { register, type SqlInput, viewList } from '../../../src/cli/commands/sql.ts';
import { resultCsv, resultJson } from '../../../src/report/query-result.ts';
import { splitStatements } from '../../../src/report/sql-statements.ts';
import { openReader } from '../../../src/store/db.ts';
import { smallCapture } from '../helpers/capture-fixture.ts';
import { runCommand, temporaryFolder } from './command.ts';

async function sql(t: Parameters<typeof temporaryFolder>[0], args: string[], stdin = ''): Promise<string> {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  smallCapture(path);
  const input = Readable.from([stdin]) as unknown as SqlInput;
  const { out } = await runCommand((program, output) => register(program, output, input), ['sql', path, ...args]);
  return out;
}

const LEAKS = 'SELECT function, bytes FROM leaks ORDER BY bytes DESC';

test('a query as table, JSON and CSV', async (t) => {
  const table = ['function  bytes', '────────  ─────', 'load        400', 'strdup       96', 'handler      64', ''];
  assert.equal(await sql(t, [LEAKS]), table.join('\n'));
  assert.deepEqual(JSON.parse(await sql(t, [LEAKS, '--json'])), [
    { function: 'load', bytes: 400 },
    { function: 'strdup', bytes: 96 },
    { function: 'handler', bytes: 64 },
  ]);
  assert.equal(await sql(t, [LEAKS, '--csv']), 'function,bytes\r\nload,400\r\nstrdup,96\r\nhandler,64\r\n');
});

test('columns of one name all show their values', async (t) => {
  assert.equal(await sql(t, ['SELECT 1 AS a, 2 AS a, 3 AS b -- remark', '--csv']), 'a,a,b\r\n1,2,3\r\n');
});

test('no rows still have titles', async (t) => {
  assert.equal(await sql(t, ['SELECT pid FROM leaks WHERE 0', '--csv']), 'pid\r\n');
  assert.equal(await sql(t, ['SELECT pid FROM leaks WHERE 0', '--json']), '[]\n');
  assert.equal(await sql(t, ['SELECT pid FROM leaks WHERE 0']), 'pid\n───\n');
});

test('every attempt to write is refused with one sentence', async (t) => {
  const attempts = [
    'DELETE FROM site',
    'UPDATE meta SET value = 1',
    'CREATE TABLE x (a)',
    'DELETE FROM leaks',
    'DROP VIEW leaks',
    "VACUUM INTO '/tmp/mp-must-not-exist.db'",
    'PRAGMA user_version = 9',
  ];
  for (const attempt of attempts) {
    await assert.rejects(sql(t, [attempt]), { name: 'UserError', message: /^mp sql only reads; / }, attempt);
  }
});

test("mistakes carry SQLite's own words", async (t) => {
  await assert.rejects(sql(t, ['SELEC 1']), { name: 'UserError', message: 'SQL error: near "SELEC": syntax error' });
  await assert.rejects(sql(t, ['SELECT * FROM nope']), { message: 'SQL error: no such table: nope' });
  await assert.rejects(sql(t, ['SELECT 1', '--json', '--csv']), { name: 'UserError', exitCode: 2 });
});

test('statements from stdin, several of them', async (t) => {
  const out = await sql(t, ['--csv'], "SELECT 'a;b' AS x; -- not; here\n/* nor; here */ SELECT 2 AS y");
  assert.equal(out, 'x\r\na;b\r\ny\r\n2\r\n');
});

test('where statements end', () => {
  assert.deepEqual(splitStatements(`SELECT ';' -- no; end\n FROM "a;b"; SELECT [x;y]; rest`), {
    statements: [`SELECT ';' -- no; end\n FROM "a;b"`, 'SELECT [x;y]'],
    rest: ' rest',
  });
  assert.deepEqual(splitStatements('; ;-- nothing\n'), { statements: [], rest: '' });
  assert.deepEqual(splitStatements("SELECT 'open; "), { statements: [], rest: "SELECT 'open; " });
});

test('numbers stay as they are, texts are quoted where they must be', () => {
  const result = {
    columns: ['n', 't'],
    rows: [
      [12345678.5, 'a "b", c'],
      [123456789012345678n, null],
      [null, new Uint8Array([1, 255])],
    ] as never[][],
  };
  assert.equal(resultCsv(result), 'n,t\r\n12345678.5,"a ""b"", c"\r\n123456789012345678,\r\n,01ff\r\n');
  assert.match(resultJson(result), /\{"n": 123456789012345678, "t": null\}/);
});

test('the prompt begins with the views and their columns', (t) => {
  const path = join(temporaryFolder(t), 'x.db');
  smallCapture(path);
  const db = openReader(path);
  t.after(() => db.close());
  const list = viewList(db, 200);
  assert.match(
    list,
    /^ {2}leaks: process_id, pid, thread_id, tid, allocator, allocations, bytes, function, file, line, module/m,
  );
  assert.ok(list.indexOf('stack_frame:') < list.indexOf('Tables:') && list.indexOf('Tables:') < list.indexOf('site:'));
  for (const line of viewList(db, 60).split('\n')) assert.ok(line.length <= 60, line);
});
