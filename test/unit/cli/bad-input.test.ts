/** What is no capture, or a broken one, is one sentence and exit code 1 in every report; nothing is written or changed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import type { Command } from 'commander';
import { buildPages } from '../../../scripts/build-page.ts';
import { register as check } from '../../../src/cli/commands/check.ts';
import { register as diff } from '../../../src/cli/commands/diff.ts';
import { register as dump } from '../../../src/cli/commands/dump.ts';
import { register as flamegraph } from '../../../src/cli/commands/flamegraph.ts';
import { register as info } from '../../../src/cli/commands/info.ts';
import { register as leaks } from '../../../src/cli/commands/leaks.ts';
import { register as sql } from '../../../src/cli/commands/sql.ts';
import { register as stats } from '../../../src/cli/commands/stats.ts';
import { register as summary } from '../../../src/cli/commands/summary.ts';
import { register as table } from '../../../src/cli/commands/table.ts';
import { register as transform } from '../../../src/cli/commands/transform.ts';
import { register as tree } from '../../../src/cli/commands/tree.ts';
import type { Output } from '../../../src/util/output.ts';
import { smallCapture } from '../helpers/capture-fixture.ts';
import { Recording } from '../helpers/recording.ts';
import { runCommand, temporaryFolder } from '../report/command.ts';

before(() => buildPages());

type Register = (program: Command, output?: Output) => void;

/** Arguments before the capture. */
const REPORTS: [register: Register, ...args: string[]][] = [
  [summary, 'summary'],
  [table, 'table'],
  [table, 'table', '--html'],
  [tree, 'tree'],
  [stats, 'stats'],
  [leaks, 'leaks'],
  [check, 'check', '--max-peak', '1G'],
  [flamegraph, 'flamegraph'],
  [transform, 'transform', 'csv'],
  [info, 'info'],
];
const OTHERS: [register: Register, ...args: string[]][] = [[dump, 'dump']];

const BAD: Record<string, (path: string) => void> = {
  'a missing file': () => undefined,
  'a directory': (path) => mkdirSync(path),
  'a text file': (path) => writeFileSync(path, 'This is no database, however long it may be.\n'.repeat(200)),
  'an empty file': (path) => writeFileSync(path, ''),
  'a truncated capture': (path) => {
    smallCapture(path);
    joinLog(path);
    truncateSync(path, 4096 * 3);
  },
  'a capture overwritten in its middle': (path) => {
    smallCapture(path);
    joinLog(path);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 4096));
  },
  'a database of another program': (path) => {
    const db = new Database(path);
    db.exec('CREATE TABLE site (a)');
    db.close();
  },
  'a capture of a newer version': (path) => {
    smallCapture(path);
    joinLog(path);
    const db = new Database(path);
    db.pragma('user_version = 99');
    db.close();
  },
};

function joinLog(path: string): void {
  const db = new Database(path);
  db.pragma('journal_mode = DELETE');
  db.close();
}

for (const [what, make] of Object.entries(BAD)) {
  test(`${what} is one sentence and exit code 1 for every report`, async (t) => {
    const path = join(temporaryFolder(t), 'mp-app.100.db');
    make(path);
    const good = join(temporaryFolder(t), 'good.db');
    smallCapture(good);
    const state = () => [existsSync(path) && statSync(path).size, readdirSync(dirname(path)).sort()];
    const old = state();
    const runs: [Register, string[]][] = [
      ...[...REPORTS, ...OTHERS].map(([register, ...args]): [Register, string[]] => [register, [...args, path]]),
      [diff, ['diff', good, path]],
      [diff, ['diff', path, good]],
      [sql, ['sql', path, 'SELECT count(*) FROM site_place']],
    ];
    for (const [register, args] of runs) {
      const name = args.slice(0, 2).join(' ');
      await assert.rejects(runCommand(register, args), (error: Error & { exitCode?: number }) => {
        assert.equal(error.name, 'UserError', `${name}: ${error.stack}`);
        assert.equal(error.exitCode, 1, name);
        assert.match(error.message, /^[A-Z][^\n]+$/, name);
        return true;
      });
    }
    assert.deepEqual(state(), old);
  });
}

test('a recording whose recorder was killed is read by every report, which say so', async (t) => {
  const recording = new Recording(t);
  const { builder } = recording;
  const thread = builder.thread(builder.process());
  builder.allocate(thread, 0x1000, 100, { stack: builder.stack('main', 'keep') });
  recording.commit();
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  // As a crash leaves it: the file, and the log with all that was committed.
  for (const suffix of ['', '-wal']) copyFileSync(recording.path + suffix, path + suffix);
  for (const [register, ...args] of REPORTS) {
    const { out, err } = await runCommand(register, [...args, path]);
    assert.match(out + err, /keep|still recording|Wrote/, args.join(' '));
  }
});

const PAGE = 4096;
const DISK = 4 * PAGE;

/** A file system of so many bytes. */
function smallDisk(t: TestContext, bytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'mp-report-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'ignore' });
  t.after(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  return folder;
}

test('a full disk is a sentence, and leaves the old file', {
  skip: process.getuid!() !== 0 && 'needs root',
}, async (t) => {
  const path = join(temporaryFolder(t), 'mp-app.100.db');
  smallCapture(path);
  const disk = smallDisk(t, DISK);
  const target = join(disk, 'report');
  writeFileSync(target, 'old');
  const fill = () => appendFileSync(join(disk, 'filler'), Buffer.alloc(PAGE));
  for (let used = PAGE; used < DISK; used += PAGE) fill();
  assert.throws(fill, { code: 'ENOSPC' });
  for (const [register, ...args] of REPORTS) {
    const run = runCommand(register, [...args, '-f', '-o', target, path]);
    const isSentence = (error: Error & { exitCode?: number }) => {
      assert.deepEqual([error.name, error.exitCode], ['UserError', 1], `${args}: ${error.stack}`);
      assert.match(error.message, /^[A-Z][^\n]+$/);
      return true;
    };
    await assert.rejects(run, isSentence, args.join(' '));
    assert.equal(readFileSync(target, 'utf8'), 'old', args.join(' '));
    assert.deepEqual(readdirSync(disk).sort(), ['filler', 'report'], args.join(' '));
  }
});
