import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HeapConsole } from '../../../src/monitor/console.ts';
import { UserError } from '../../../src/util/errors.ts';
import { APP } from '../heap/app-heap.ts';
import { type MadeObject, makeHeap } from '../heap/made-heap.ts';
import { temporaryFolder } from '../report/command.ts';

/** A console whose process has these objects at its first, second, … heap, and the last ones from then on. */
function consoleOf(...moments: MadeObject[][]) {
  let reads = 0;
  const console = new HeapConsole(() => makeHeap(moments[Math.min(reads++, moments.length - 1)]!));
  return {
    console,
    run: (line: string) => console.run(line, 100),
    fails: (line: string, message: RegExp) =>
      assert.throws(
        () => console.run(line, 100),
        (error) => error instanceof UserError && message.test(error.message),
        line,
      ),
    reads: () => reads,
  };
}

/** Count and kind of each row. */
function rows(text: string): string[] {
  return [...text.matchAll(/^ +\d+ +(-?\d+) +-?\d+ +-?\d+ +-?\d+ +-?\d+ +-?\d+ (.+)$/gm)].map((m) => `${m[1]} ${m[2]}`);
}

test('a heap is printed as heapy does', () => {
  const { run } = consoleOf(APP);
  assert.equal(
    run('hp.heap()'),
    [
      'Partition of a set of 9 objects. Total size = 632 bytes.',
      ' Index  Count   %     Size   % Cumulative   % Kind (class / dict of class)',
      '     0      1  11      200  32        200  32 dict of module',
      '     1      3  33      144  23        344  54 app.Item',
      '     2      1  11       88  14        432  68 list',
      '     3      2  22       80  13        512  81 app.sub.Node',
      '     4      1  11       70  11        582  92 module',
      '     5      1  11       50   8        632 100 str',
    ].join('\n'),
  );
});

test('further rows follow ten by ten, or all at once', () => {
  const { run, fails } = consoleOf(Array.from({ length: 25 }, (_, i) => ({ type: `app.C${i}`, size: 100 - i })));
  assert.match(run('hp.heap()'), /<15 more rows\. Type e\.g\. '_\.more' to view\.>$/);
  const second = run('_.more');
  assert.match(second, /^ Index/);
  assert.match(second, /^ {4}10 {6}1 +4 +90 +4 +1045 +48 app\.C10$/m);
  assert.match(second, /<5 more rows/);
  assert.equal(rows(run('_.more')).length, 5);
  fails('_.more', /there are no more rows/);
  assert.equal(rows(run('_.all')).length, 25);
  assert.deepEqual(rows(run('_[12]')), ['1 app.C12']);
  assert.match(consoleOf(Array.from({ length: 11 }, (_, i) => ({ type: `C${i}` }))).run('hp.heap()'), /<1 more row\. /);
});

test('rows are sets: index, slice, algebra, other rows', () => {
  const { run } = consoleOf(APP);
  run('h = hp.heap()');
  assert.deepEqual(rows(run('h[1]')), ['3 app.Item']);
  assert.deepEqual(rows(run('h[-1]')), ['1 str']);
  assert.deepEqual(rows(run('h[1:3]')), ['3 app.Item', '1 list']);
  assert.deepEqual(rows(run('h[:2] | h[5]')), ['1 dict of module', '3 app.Item', '1 str']);
  assert.deepEqual(rows(run('h - h[1:]')), ['1 dict of module']);
  assert.deepEqual(rows(run('h[0:2] & h[1:9]')), ['3 app.Item']);
  assert.deepEqual(rows(run('h[0:2] ^ h[1:3]')), ['1 dict of module', '1 list']);
  assert.deepEqual(rows(run('~h[1:]')), ['1 dict of module']);
  assert.deepEqual(rows(run("h & hp.Type('app.Item', 'list')")), ['3 app.Item', '1 list']);
  assert.deepEqual(rows(run("h - hp.Clodo('dict of module') - h[1].kind")).length, 4);
  assert.deepEqual(rows(run('h.bytype[0:1]')), ['1 dict']);
  assert.deepEqual(rows(run('h[1].byrcs')), ['2 list', '1 <Nothing>']);
  assert.deepEqual(rows(run('h[1].bysize')), ['3 48']);
  assert.deepEqual(rows(run('h[1].byvia')), ["1 '[0]'", "1 '[1]'", '1 <Nothing>']);
  assert.deepEqual(rows(run('h[1].byvia[1].bytype')), ['1 app.Item']);
  assert.equal(rows(run('h.byvia')).length, 7);
  assert.deepEqual(rows(run('h[3].byid')), ['1 app.sub.Node: 0x1060', '1 app.sub.Node: 0x1070']);
  assert.deepEqual(rows(run('h.bymodule[1:]')), ['3 app', '2 app.sub']);
});

test('what is asked of a set', () => {
  const { run, fails } = consoleOf(APP);
  run('h = hp.heap()');
  assert.equal(run('h.count'), '9');
  assert.equal(run('h[1].size'), '144');
  assert.equal(run('h.size - h[1].size + 1'), '489');
  assert.deepEqual(rows(run('h[1].referents')), ['1 list', '1 str']);
  assert.deepEqual(rows(run('h[5].referrers')), ['1 dict of module', '2 app.Item']);
  assert.deepEqual(rows(run('h[0].owners')), ['1 module']);
  assert.deepEqual(rows(run('h[2].dominos')), ['2 app.Item', '1 list']);
  assert.equal(run('h[2].domisize'), '184');
  assert.match(run('h[2].rp'), /^Reference Pattern by[\s\S]*\[R\] 1 module\n[\s\S]*\[\^\] 1 app\.Item$/);
  assert.match(run('h[2].get_rp(1)'), /\[\+\] 1 dict of module$/m);
  assert.equal(run('h[2].shpaths'), " 0: modules['app'].__dict__['cache']");
  assert.match(run('(h - h[0] - h[4]).get_shpaths(1)'), /^ 0: .*\n<There are more\./);
  assert.match(
    run('h[2].theone'),
    /^list 0x1020\n88 bytes, reference count 2, tracked\nrefers to 2 objects:\n {2}\[0\] app/,
  );
  fails('h[1].theone', /this one has 3/);
  fails('h[2].get_rp(0)', /a number from 1/);
});

test('an object is found by its address and by its name, in the last heap', () => {
  const { run, fails, reads } = consoleOf(APP);
  assert.deepEqual(rows(run('hp.iso(0x1020)')), ['1 list']);
  assert.deepEqual(rows(run("hp.iso('app.cache', 'Item[1]')")), ['1 list', '1 app.Item']);
  assert.equal(reads(), 1);
  fails('hp.iso(0x9999)', /there is no object 0x9999/);
  fails('hp.iso(hp)', /not hp/);
});

test('garbage in cycles', () => {
  assert.deepEqual(rows(consoleOf(APP).run('hp.heapu()')), ['2 app.sub.Node']);
});

test('after setref only what came since', () => {
  const later = [...APP, { type: 'app.Item', size: 48 }, { type: 'str', size: 60 }];
  const { run } = consoleOf(APP, later);
  assert.equal(run('hp.setref()'), '');
  assert.deepEqual(rows(run('hp.heap()')), ['1 str', '1 app.Item']);
  run('hp.unsetref()');
  assert.match(run('hp.heap()'), /of 11 objects/);
});

test('two heaps are compared, also after the objects of the first are let go', () => {
  const later = [...APP.slice(0, 8), { type: 'app.Item', size: 48 }, { type: 'app.Item', size: 48 }];
  const { run } = consoleOf(APP, later);
  run('a = hp.heap()');
  run('s = a.stat');
  run('b = hp.heap()');
  assert.deepEqual(rows(run('b - a')), ['1 app.Item']);
  assert.deepEqual(rows(run('b.diff(a)')), ['1 app.Item']);
  assert.deepEqual(rows(run('b.stat - s')), ['1 app.Item']);
  assert.deepEqual(rows(run('s.diff(b)')), ['-1 app.Item']);
  assert.match(run('s'), /^Sums of a set of 9 objects\./);
});

test('sums are saved, and read again', (t) => {
  const { run, fails } = consoleOf(APP);
  const path = join(temporaryFolder(t), 'sums.json');
  run(`hp.heap().dump('${path}')`);
  assert.ok(existsSync(path));
  fails(`hp.heap().dump('${path}')`, /already exists/);
  assert.equal(run(`hp.load('${path}').count`), '9');
  fails(`hp.heap().bytype.diff(hp.load('${path}'))`, /use \.byclodo/);
  fails("hp.load('/nowhere')", /Cannot read/);
});

test('the last result that has attributes is _', () => {
  const { run, fails } = consoleOf(APP);
  fails('_', /there is no _: known names are hp, help/);
  run('hp.heap()');
  run('_[2].shpaths');
  assert.deepEqual(rows(run('_[2]')), ['1 list']);
  run('x = hp.heap()');
  assert.deepEqual(rows(run('_')), ['1 list'], 'an assignment is no result');
  run('hp.setref()');
  assert.deepEqual(rows(run('_')), ['1 list']);
});

test('what is not there is said in one sentence', () => {
  const { run, fails } = consoleOf(APP);
  run('h = hp.heap()');
  fails('foo', /^there is no foo: known names are hp, help, h$/);
  fails('h.foo', /^a set of objects has no attribute foo: it has bytype, /);
  fails('hp.heap.count', /^heap has no attribute count: it has none$/);
  fails('h.count.x', /^a number has no attribute x/);
  fails('hp.heap(1)', /^it is called as heap\(\)$/);
  fails('h()', /can't be called/);
  fails('1()', /can't be called/);
  fails('h[6]', /^a set of objects has no element 6: there are 6$/);
  fails('h[1.5]', /an index is a whole number/);
  fails("h['a']", /not a string/);
  fails('hp[0]', /hp has no elements/);
  fails('h & 1', /^a set of objects & a number has no meaning$/);
  fails('1 & 1', /has no meaning/);
  fails('-h', /- is for numbers/);
  fails('~1', /~ is for sets/);
  fails('hp = 1', /hp is not a variable/);
  fails('a = hp.setref()', /has no value/);
  fails('del nothing', /there is no variable nothing/);
  fails('hp.Type(1)', /is a string/);
  assert.equal(run(''), '');
  assert.match(run('hp.heap'), /call it with its brackets/);
  assert.match(run('help'), /hp\.heap\(\)/);
});

test('names of JavaScript are no names here', () => {
  const { run, fails } = consoleOf(APP);
  run('h = hp.heap()');
  for (const name of ['constructor', '__proto__', 'prototype', 'toString', 'hasOwnProperty', 'run', 'set', 'table']) {
    fails(name, /there is no/);
    for (const of of ['hp', 'h', 'h.stat', 'h.kind', 'hp.heap', 'help', '1', "'s'", '[1]'])
      fails(`${of}.${name}`, /has no attribute/);
  }
  run('__proto__ = 1');
  assert.equal(run('__proto__'), '1');
});

test('what the program chose is printed without power over the terminal', () => {
  const evil = '\x1b[2J\n\u202e';
  const { run } = consoleOf([
    { type: `app.${evil}`, text: evil, references: { [`['${evil}']`]: 1 } },
    { type: 'module', text: evil },
  ]);
  run('h = hp.heap()');
  for (const line of [
    'h',
    'h.byid',
    'h.all',
    'h[0].rp',
    'h[0].shpaths',
    'h[0].theone',
    'h[1].shpaths',
    'h.kind',
    'h.stat',
    'h[1].rp',
  ])
    assert.ok(!run(line).includes('\x1b') && !run(line).includes('\u202e'), line);
  assert.equal(run('h.kind').split('\n').length, 1);
});

test('variables keep their heaps, the last result does not count', () => {
  const { console, run } = consoleOf(APP);
  run('hp.heap()');
  assert.equal(console.kept().size, 0);
  run('a = hp.heap()');
  run('b = a[1]');
  run('c = [hp.heap()]');
  assert.deepEqual([...console.kept().values()], [['a', 'b'], ['c']]);
  run('a = a.stat');
  run('del b');
  assert.deepEqual([...console.kept().values()], [['c']]);
});

test('the tab key completes names and attributes', () => {
  const { console, run } = consoleOf(APP);
  run('heap = hp.heap()');
  assert.deepEqual(console.complete('he'), [['help', 'heap'], 'he']);
  assert.deepEqual(console.complete('a & hp.he'), [['heap', 'heapu'], 'he']);
  assert.deepEqual(console.complete('heap.domi'), [['domisize', 'dominos'], 'domi']);
  assert.deepEqual(console.complete('hp.heap().x')[0], []);
});
