/**
 * One Buffer of an odd size, its own, in every kind of JavaScript frame; started by shapes.mjs, which is a module.
 *
 * Functions called calledBy… are called by native code: native frames lie between them and their JavaScript caller.
 */
'use strict';
const { EventEmitter } = require('node:events');
const vm = require('node:vm');
const { allocate, allocateUnsafe, waitForGate } = require('./sites.cjs');

waitForGate();

function outer() {
  function middle() {
    const inner = () => {
      allocate(100_001);
    };
    inner();
  }
  middle();
}

function anonymousFunctions() {
  (() => {
    allocate(100_003); // shown as (anonymous)
  })();
  (() => {
    (function () {
      allocateUnsafe(100_005);
    })();
  })();
}

function makeClosure(bytes) {
  return function closure() {
    return allocate(bytes);
  };
}

class Outer {
  field = allocate(100_007);
  arrow = () => {
    allocate(100_009); // shown as Outer.arrow
  };
  static {
    allocate(100_011);
  }
  constructor() {
    this.#hidden(); // shown as Outer
    allocate(100_013); // shown as Outer
  }
  #hidden() {
    allocate(100_015); // shown as Outer.#hidden
  }
  method() {
    return allocate(100_017); // shown as Outer.method
  }
  static make() {
    return allocate(100_027); // shown as Outer.make
  }
  get attribute() {
    return allocate(100_019); // shown as Outer.get attribute
  }
  set attribute(value) {
    allocate(value); // shown as Outer.set attribute
  }
  *items() {
    yield 1;
    yield allocate(100_021); // shown as Outer.items
  }
  async request() {
    await null;
    allocate(100_023); // shown as async Outer.request
  }
}

class Base {
  constructor(bytes) {
    this.kept = allocate(bytes); // shown as Base
  }
  method(bytes) {
    return allocate(bytes); // shown as Base.method
  }
}

class Derived extends Base {
  constructor() {
    super(100_141); // shown as Derived
  }
  method() {
    super.method(100_143); // shown as Derived.method
  }
}

async function classes() {
  const outer = new Outer();
  Outer.make();
  outer.method();
  outer.arrow();
  outer.attribute;
  outer.attribute = 100_025;
  Array.from(outer.items());
  await outer.request();
  new Derived().method();
}

const object = {
  method() {
    allocate(100_029);
  },
  arrow: () => allocate(100_031), // shown as object.arrow
  nested: {},
};
object.nested.deep = function () {
  allocate(100_033); // shown as object.nested.deep
};

function objects() {
  object.method();
  object.arrow();
  object.nested.deep();
}

function* generator() {
  yield 1;
  yield allocate(100_035);
}

function* delegatingGenerator() {
  yield* generator();
}

function generators() {
  for (const _ of delegatingGenerator());
  [...(function* () {
    yield allocateUnsafe(100_037);
  })()];
}

function recursion(depth) {
  if (depth === 1) return allocate(100_039);
  return recursion(depth - 1);
}

function calledBySort(one, other) {
  if (one > other) allocate(100_041);
  return one - other;
}

function callbacks() {
  [-1, 1].sort(calledBySort);
  [100_043].map(function calledByMap(bytes) {
    allocate(bytes);
  });
  [100_045, 100_045].reduce(function calledByReduce(_, bytes) {
    allocate(bytes);
  });
  JSON.parse('{"key": 100047}', function calledByParse(key, value) {
    if (key === 'key') allocate(value);
  });
  JSON.stringify({
    toJSON: function calledByStringify() {
      allocate(100_049);
    },
  });
  'text'.replace(/x/, function calledByReplace() {
    allocate(100_051);
    return '';
  });
  Reflect.apply(
    function applied(bytes) {
      allocate(bytes);
    },
    null,
    [100_053],
  );
  `${{
    toString: function calledByToString() {
      allocate(100_055);
      return '';
    },
  }}`;
  new EventEmitter().once('event', (bytes) => allocate(bytes)).emit('event', 100_057);
}

function manyLines() {
  [
    allocate(
      100_059,
    ),
    allocateUnsafe(
      100_061
    ),
  ].concat(
    [1, 2]
      .filter((number) => number > 1)
      .map((number) =>
        allocate(
          100_061 + number,
        ),
      ),
  );
  for (let i = 0; i < 2; i++) if (i === 1) allocate(100_065);
    else continue;
  switch (String(1)) {
    case '0':
      break;
    default:
      allocate(100_067);
  }
}

function exceptions() {
  try {
    try {
      null.property;
    } finally {
      allocate(100_069);
    }
  } catch {
    allocate(100_071);
  }
}

function größe() {
  const 名前 = () => {
    const 𝒳yz = () => {
      allocate(100_073);
    };
    𝒳yz();
  };
  名前();
}

/** More variables than a byte code with operands of one byte has room for. */
function wideCode() {
  const names = Array.from({ length: 300 }, (_, index) => `variable${index}`);
  const lines = names.map((name) => `  let ${name} = allocate.length;`);
  const sum = `  return [${names}, allocate(100077)];`;
  return vm.runInThisContext(`(function wide(allocate) {\n${lines.join('\n')}\n${sum}\n})`, '/made/up/wide.js');
}

function madeCode() {
  new Function('allocate', 'bytes', 'return allocate(bytes)')(allocate, 100_081);
  new Function('allocate', 'return function made() {\n\n  allocate(100083);\n}')(allocate)();
  eval('allocate(100_085)');
  eval('\n(function evaluated() { allocate(100_087); })()');
  eval('(function named() { allocate(100_089); })()\n//# sourceURL=/made/up/evaluated.js');
  const far = `${'\n'.repeat(70_000)}(function far(allocate) {${'\n'.repeat(300)} allocate(100091);\n})`;
  vm.runInThisContext(far, { filename: '/made/up/far.js' })(allocate);
  vm.runInThisContext('(function moved(allocate) {\r\n allocate(100093) })', {
    filename: '/made/up/moved.js',
    lineOffset: 1000,
  })(allocate);
  wideCode()(allocate);
}

function timer() {
  return new Promise((done) => {
    setTimeout(function onTimeout() {
      allocate(100_101);
      done();
    }, 1);
  });
}

function otherQueues() {
  return new Promise((done) => {
    process.nextTick(function onTick() {
      allocate(100_103);
      queueMicrotask(function onMicrotask() {
        allocate(100_105);
        setImmediate(() => done(allocateUnsafe(100_107)));
      });
    });
  });
}

function promiseChain() {
  return Promise.resolve(100_109)
    .then(function first(bytes) {
      allocate(bytes);
      return 100_111;
    })
    .then((bytes) => {
      allocate(bytes);
      throw new Error('expected');
    })
    .catch(() => allocate(100_113))
    .finally(function last() {
      allocate(100_115);
    });
}

async function innerAwait(bytes) {
  await 1;
  allocate(bytes); // shown as async innerAwait
}

async function afterAwait() {
  allocate(100_117); // shown as async afterAwait
  await new Promise((done) => setTimeout(done, 1));
  allocate(100_119); // shown as async afterAwait
  await innerAwait(100_121);
  await Promise.all([100_123].map(async (bytes) => {
    await 1;
    allocate(bytes); // shown as async (anonymous)
  }));
  for await (const _ of asyncGenerator());
}

async function* asyncGenerator() {
  await 1;
  yield allocate(100_125); // shown as async asyncGenerator
}

async function every() {
  outer();
  anonymousFunctions();
  makeClosure(100_129)();
  await classes();
  objects();
  generators();
  recursion(300);
  callbacks();
  manyLines();
  exceptions();
  größe();
  madeCode();
  await timer();
  await otherQueues();
  await promiseChain();
  await afterAwait();
}

allocate(100_127);
module.exports = { every };
