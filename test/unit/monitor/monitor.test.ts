import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Monitor } from '../../../src/monitor/monitor.ts';
import { PythonProcesses } from '../../../src/monitor/python-processes.ts';
import { UserError } from '../../../src/util/errors.ts';
import { APP } from '../heap/app-heap.ts';
import { makeHeap } from '../heap/made-heap.ts';
import { MadeProc } from './made-proc.ts';

/** Processes 11, 12345 and 13, whose heaps are one another's. */
function start(t: TestContext, maxKeptBytes = 1 << 20) {
  const proc = new MadeProc(t);
  proc.set(11, { commandLine: ['python3', 'leaky.py'] });
  proc.set(12, {});
  proc.set(12345, { commandLine: ['python3', '-c', 'x'] });
  let said: string[] = [];
  const read: number[] = [];
  const monitor = new Monitor({
    processes: new PythonProcesses(null, proc.folder),
    readHeap: (pid) => {
      read.push(pid);
      return makeHeap(APP);
    },
    say: (text) => said.push(text),
    columns: () => 100,
    maxKeptBytes,
  });
  /** What the line prints, and the prompt behind it. */
  const say = (line: string) => {
    said = [];
    monitor.handle(line);
    return [...said, monitor.prompt.trim()].join('\n');
  };
  const fails = (line: string, message: RegExp) =>
    assert.throws(
      () => say(line),
      (error) => error instanceof UserError && message.test(error.message),
      line,
    );
  return { proc, monitor, say, fails, read };
}

const HELLO = (cid: number) => `Remote connection ${cid}. To return to Monitor, type <Ctrl-C> or .<RETURN>`;
const CONSOLE = "Remote interactive console. To return to Annex, type '-'.";

test('the conversation of the document', (t) => {
  const { say, monitor, read } = start(t);
  assert.equal(monitor.prompt, '<Monitor> ');
  assert.equal(
    say('lc'),
    ['CID PID   ARGV', " 1    11 ['leaky.py']", " 2    12 ['app.py']", " 3 12345 ['-c']", '<Monitor>'].join('\n'),
  );
  assert.equal(say('sc 1'), `${HELLO(1)}\n<Annex>`);
  assert.equal(say('int'), `${CONSOLE}\n>>>`);
  assert.match(say('hp.heap()'), /^Partition of a set of 9 objects\. Total size = 632 bytes\.\n[\s\S]*\n>>>$/);
  assert.deepEqual(read, [11]);
  assert.equal(say('-'), '<Annex>');
  assert.equal(
    say('stat'),
    [
      'executable  /usr/bin/python3.11',
      "argv        ['leaky.py']",
      'cwd         /srv/app',
      'pid         11',
      '<Annex>',
    ].join('\n'),
  );
  assert.equal(say('.'), '<Monitor>');
  say('q');
  assert.ok(monitor.isOver);
});

test('several consoles are open at once, each with its variables', (t) => {
  const { say, fails, monitor, read } = start(t);
  say('sc 1;; int');
  say('a = hp.heap()');
  assert.equal(say('.sc 2'), `${HELLO(2)}\n<Annex>`);
  say('int');
  fails('a', /there is no a/);
  say('a = hp.heap()[0]');
  monitor.interrupt();
  assert.equal(monitor.prompt, '<Monitor> ');
  assert.equal(say('sc 1'), `${HELLO(1)}\n>>>`, 'it goes on where it was left');
  assert.equal(say('a.count'), '9\n>>>');
  assert.match(say('.lc'), /^CID[\s\S]*>>>$/);
  say('.sc 2');
  assert.equal(say('a.count'), '1\n>>>');
  say('.');
  assert.equal(say('sc'), `${HELLO(2)}\n>>>`);
  assert.deepEqual(read, [11, 12]);
  say('-');
  say('reset');
  say('int');
  fails('a', /there is no a/);
});

test('connections are closed, and the process has a new number then', (t) => {
  const { say, fails } = start(t);
  assert.equal(say('ki 2'), '*** Connection 2 closed ***\n<Monitor>');
  fails('sc 2', /there is no connection 2/);
  assert.match(say('lc'), /^\*\*\* Connection 4 opened \*\*\*\nCID.*\n 1 .*\n 3 .*\n 4 {4}12 /);
  say('sc 4');
  assert.equal(say('close'), '*** Connection 4 closed ***\n<Monitor>');
  fails('sc', /give the CID/);
});

test('processes come and go', (t) => {
  const { say, fails, proc, monitor } = start(t);
  proc.end(11);
  proc.set(14, { commandLine: ['python3', 'new.py'] });
  assert.deepEqual(monitor.look(), ['*** Connection 1 closed ***', '*** Connection 4 opened ***']);
  assert.deepEqual(monitor.look(), []);
  fails('sc 1', /there is no connection 1/);
  assert.match(say('lc'), /^CID PID {3}ARGV\n 2 .*\n 3 .*\n 4 {4}14 \['new\.py'\]\n<Monitor>$/);
  say('sc 2');
  proc.end(14);
  assert.deepEqual(monitor.look(), [], 'other connections are not spoken of here');
  proc.end(12);
  assert.deepEqual(monitor.look(), ['*** Connection 2 closed ***']);
  assert.equal(monitor.prompt, '<Monitor> ');
});

test('what was read of a process outlives it, until its console is left', (t) => {
  const { say, fails, proc } = start(t);
  say('sc 1;;int');
  say('a = hp.heap()');
  proc.end(11);
  assert.equal(
    say('a.count'),
    '*** Connection 1 closed ***\nProcess 11 has ended. What was read of it stays until you return to Monitor.\n9\n>>>',
  );
  fails('hp.heap()', /^process 11 has ended$/);
  assert.equal(say('-'), '<Monitor>');
  fails('sc', /give the CID/);
  assert.match(say('sc 2'), /<Annex>$/, 'the monitor lives on');
});

test('heaps of all consoles together have a bound', (t) => {
  const { say, fails } = start(t, 500);
  say('sc 1;;int');
  say('a = hp.heap()');
  say('b = a[1]');
  say('c = hp.heap()');
  say('.sc 2');
  say('int');
  fails('hp.heap()', /variables keep .* more than --max-memory: a, b of connection 1; c of connection 1; del NAME/);
  say('.sc 1');
  say('c = c.stat');
  say('del b');
  assert.match(say('hp.heap()'), /^Partition/);
});

test('commands are explained', (t) => {
  const { say, fails } = start(t);
  assert.match(say('h'), /^Commands:\n {2}exit[\s\S]* {2}sc \[CID\] +connect/);
  assert.match(say('help sc'), /^sc \[CID\]\n-{8}\n/);
  fails('h nothing', /there is no command nothing/);
  fails('foo', /^there is no command foo here: h lists them$/);
  fails('int', /sc CID/);
  fails('sc x', /give the CID/);
  fails('sc 99', /there is no connection 99/);
  fails('ki', /give the CID/);
  assert.equal(say(''), '<Monitor>');
  say('sc 3');
  assert.match(say('h'), /isolatest/);
  assert.match(say('isolatest'), /nothing of mp is in the process/);
  fails('lc', /there is no command lc here, but \.lc of the Monitor/);
  fails('constructor', /there is no command/);
  assert.equal(say(';;'.repeat(100_000)), '<Annex>');
  assert.equal(say('.;;exit;;lc'), '<Monitor>');
});

test('the tab key completes commands', (t) => {
  const { monitor } = start(t);
  assert.deepEqual(monitor.complete('l'), [['lc'], 'l']);
  monitor.handle('sc 1');
  assert.deepEqual(monitor.complete('is'), [['isolatest'], 'is']);
  monitor.handle('int');
  assert.deepEqual(monitor.complete('hp.hea'), [['heap', 'heapu'], 'hea']);
});
