import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PythonProcesses, pythonArgv, pythonList } from '../../../src/monitor/python-processes.ts';
import { MadeProc } from './made-proc.ts';

test('a Python is what runs code of a file that is called so', (t) => {
  const proc = new MadeProc(t);
  const paths = [
    '/usr/bin/python3.11',
    '/opt/python',
    '/usr/lib/libpython3.11.so.1.0',
    '/usr/bin/python3.13t',
    '/usr/bin/python3.8 (deleted)',
    '/usr/lib/python3.11/lib-dynload/_ssl.so',
    '/usr/bin/python3-config',
    '/usr/bin/ipython-like/node',
  ];
  for (const [i, path] of paths.entries()) proc.set(100 + i, { code: ['/usr/lib/libc.so.6', path] });
  proc.set(90, { code: [] });
  proc.set(91, { state: 'Z' });
  const found = new PythonProcesses(null, proc.folder).find(true);
  assert.deepEqual(
    found.map(({ pid }) => pid),
    [100, 101, 102, 103, 104],
  );
});

test('what is asked for by pid needs no name, but must run', (t) => {
  const proc = new MadeProc(t);
  proc.set(7, { code: ['/usr/bin/blender'] });
  const processes = new PythonProcesses([8, 7], proc.folder);
  assert.deepEqual(
    processes.find(false).map(({ pid }) => pid),
    [7],
  );
});

test('a process is looked at again if it was none, or has executed a program', (t) => {
  const proc = new MadeProc(t);
  const processes = new PythonProcesses(null, proc.folder);
  const pids = (isThorough: boolean) => processes.find(isThorough).map(({ pid }) => pid);
  proc.set(5, { code: ['/bin/sh'] });
  assert.deepEqual(pids(false), []);
  proc.set(5, { code: ['/bin/sh', '/usr/lib/libpython3.12.so.1.0'] });
  assert.deepEqual([pids(false), pids(true)], [[], [5]], 'it has loaded an interpreter');
  proc.set(6, { code: ['/bin/sh'] });
  assert.deepEqual(pids(false), [5]);
  proc.set(6, {});
  assert.deepEqual(pids(false), [5, 6], 'it has executed one');
});

test('a process that was given the pid of another is another', (t) => {
  const proc = new MadeProc(t);
  proc.set(5, { startTime: 1 });
  const processes = new PythonProcesses(null, proc.folder);
  const [process] = processes.find(true);
  assert.ok(processes.isRunning(process!));
  proc.set(5, { startTime: 2 });
  assert.ok(!processes.isRunning(process!));
  proc.end(5);
  assert.ok(!processes.isRunning(process!));
  assert.deepEqual(processes.facts(process!).slice(0, 1), [['executable', '?']]);
});

test('sys.argv as far as the command line says it', () => {
  const argv = (line: string) => pythonArgv(line.split(' '));
  assert.deepEqual(argv('/usr/bin/python3 leaky.py'), ['leaky.py']);
  assert.deepEqual(argv('python3.11 -X dev -W error -Es app.py -m 1'), ['app.py', '-m', '1']);
  assert.deepEqual(argv('python -c pass 1 2'), ['-c', '1', '2']);
  assert.deepEqual(argv('python -Ecpass 1'), ['-c', '1']);
  assert.deepEqual(argv('python -m http.server 80'), ['-m', 'http.server', '80']);
  assert.deepEqual(argv('python -Xfrozen_modules=off a.py'), ['a.py']);
  assert.deepEqual(argv('python'), ['']);
  assert.deepEqual(argv('python -i'), ['']);
  assert.deepEqual(argv('python -'), ['-']);
  assert.deepEqual(argv('uwsgi --ini a'), ['uwsgi', '--ini', 'a']);
  assert.deepEqual(pythonArgv([]), []);
});

test('a list is written as Python does', () => {
  assert.equal(pythonList(['a', "it's", '"\'\\']), `['a', "it's", '"\\'\\\\']`);
  assert.equal(pythonList([]), '[]');
});
