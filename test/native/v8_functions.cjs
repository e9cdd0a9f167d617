// One function of each kind, each of which calls the next one. `stop` is called by the innermost one.
/* eslint-disable */
const vm = require('node:vm')

let stop

function declared() {
  return arrow()
}

const arrow = () => (function () { return object.method() })()

const object = {
  method() {
    return this.nested.deep()
  },
  nested: {},
  'not an identifier': () => new Dog(),
}
object.nested.deep = function () {
  return object['not an identifier']()
}

class Animal {
  field = () => Animal.create(this)
  constructor() {
    this.speak()
  }
  speak() {
    return this.field()
  }
  static create(animal) {
    return animal.loud
  }
  get loud() {
    this.loud = 1
  }
  set loud(value) {
    this.#hidden()
  }
  #hidden() {
    return this['com' + 'puted']()
  }
  ['com' + 'puted']() {
    return [...this]
  }
  *[Symbol.iterator]() {
    yield generator().next()
  }
  static initialized = 1
}

class Dog extends Animal {}

function* generator() {
  yield new small().run()
}

class small {
  run() {
    class Inner {
      value = größe()
    }
    return new Inner()
  }
}

function größe() {
  return 名前()
}

const 名前 = () => 𝒳yz()
const 𝒳yz = () => [3].map((number) => callbacks(number))

function callbacks(number) {
  return [2, number].sort((a, b) => 'text'.replace(/x/, function replaced() { return bound(a) }))
}

const bound = function unbound() {
  return proxy()
}.bind(null, 1)

const proxy = new Proxy(() => 1, {
  apply() {
    return Reflect.apply(evaluates, undefined, [])
  },
})

function evaluates() {
  return eval(`
    (function evaluated() {
      return made(() => inVm())
    })()`)
}

const made = new Function('next', 'return next()')

const inVm = vm.runInThisContext(`(function fromVm(next) { return next() })`, {
  filename: '/made/vm.js',
  lineOffset: 100,
  columnOffset: 7,
}).bind(null, () => named())

const named = eval(`() => windows.two()\n//# sourceURL=file:///made/source%20url.js`)

const text = [
  '({',
  '  two() { // ŵindows',
  '',
  '    return last()',
  '  },',
  '})',
].join('\r\n') + '\u2028\rlater()'
const windows = vm.runInThisContext(text.slice(0, text.indexOf('\u2028')) + '\u2028//\r\n', '/made/crlf.js')

const longName = 'long'.repeat(100)
const last = { [longName]: () => outer() }[longName]
globalThis.last = last

function outer() {
  function Constructor() {
    this.assigned = function () {
      return stop('functions')
    }
  }
  return new Constructor().assigned()
}

module.exports = {
  run(stopFunction) {
    stop = stopFunction
    declared()
  },
}
