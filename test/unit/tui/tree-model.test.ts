import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TreeModel } from '../../../src/tui/tree-model.ts';
import { madeTree } from './made-tree.ts';

const names = (model: TreeModel) => model.rows.map((row) => row.function).join(' ');

test('the biggest way down is open at first', () => {
  const model = new TreeModel(madeTree());
  assert.equal(names(model), 'all main a b c d');
  assert.equal(model.selected.function, 'all');
});

test('closing hides what is below, opening shows it as it was', () => {
  const model = new TreeModel(madeTree());
  model.move(2);
  model.toggle();
  assert.equal(names(model), 'all main a d');
  assert.equal(model.selected.function, 'a');
  model.toggle();
  assert.equal(names(model), 'all main a b c d');
});

test('outwards closes, then goes to the parent; inwards opens, then goes to the first child', () => {
  const model = new TreeModel(madeTree());
  model.move(4);
  const step = (act: () => void) => {
    act();
    return `${model.selected.function}: ${names(model)}`;
  };
  assert.equal(
    step(() => model.outwards()),
    'b: all main a b c d',
  );
  assert.equal(
    step(() => model.outwards()),
    'b: all main a b d',
  );
  assert.equal(
    step(() => model.outwards()),
    'a: all main a b d',
  );
  assert.equal(
    step(() => model.inwards()),
    'b: all main a b d',
  );
  assert.equal(
    step(() => model.inwards()),
    'b: all main a b c d',
  );
  assert.equal(
    step(() => model.inwards()),
    'c: all main a b c d',
  );
  assert.equal(
    step(() => model.inwards()),
    'c: all main a b c d',
  );
});

test('a chain is opened and closed up to where it branches', () => {
  const model = new TreeModel(madeTree());
  model.toggleChain();
  assert.equal(names(model), 'all');
  model.toggleChain();
  assert.equal(names(model), 'all main a b c d');
  model.move(2);
  model.toggleChain();
  assert.equal(names(model), 'all main a d');
  model.toggle();
  assert.equal(names(model), 'all main a b d', 'the chain below was closed, too');
});

test('the cursor stays within the rows, and the window around the cursor', () => {
  const model = new TreeModel(madeTree());
  model.move(-3);
  assert.deepEqual([model.cursor, model.scrolled(3)], [0, 0]);
  model.move(2);
  assert.equal(model.scrolled(3), 0);
  model.move(2);
  assert.equal(model.scrolled(3), 2);
  model.move(-1);
  assert.equal(model.scrolled(3), 2, 'no further than it must');
  model.move(99);
  assert.deepEqual([model.cursor, model.scrolled(3)], [5, 3]);
  model.move(-99);
  model.toggleChain();
  assert.deepEqual([model.rows.length, model.scrolled(3)], [1, 0]);
});
