// Stops in known stacks: node v8_stops.mjs [quiet]. At each stop it prints what V8 says of the stack, a line for each
// frame, innermost first: name, script, line, column, with tabs in between ("": none), then "." on a line of its own. It
// goes on when it gets a byte. With `quiet` it prints the "." only, so that V8 does not look at the stack.
import { readSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'

const isQuiet = process.argv[2] === 'quiet'
Error.stackTraceLimit = Infinity

function describe(site) {
  const script = site.getScriptNameOrSourceURL()
  return [site.getFunctionName(), script, site.getLineNumber(), site.getColumnNumber()].map((x) => x ?? '').join('\t')
}

function printed() {
  const prepare = Error.prepareStackTrace
  Error.prepareStackTrace = (_, sites) => sites
  const sites = new Error().stack.slice(2)
  Error.prepareStackTrace = prepare
  return sites.filter((site) => !site.isAsync()).map((site) => `${describe(site)}\n`).join('')
}

function stop() {
  globalThis.gc?.()
  writeSync(1, `${isQuiet ? '' : printed()}.\n`)
  readSync(0, Buffer.alloc(1))
}

async function asynchronous() {
  await null
  await (async () => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    stop()
  })()
  ;[1].forEach(() => stop())
}

class Service {
  async request() {
    await 1
    stop()
  }
  async *items() {
    await 1
    yield stop()
  }
}

createRequire(import.meta.url)('./v8_functions.cjs').run(stop)
await asynchronous()
await new Service().request()
for await (const _ of new Service().items()) break
await new Promise((resolve) => setTimeout(function onTimeout() { resolve(stop()) }, 1))
await Promise.resolve().then(() => stop())
stop()
