import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/directory.js'
import { runScript } from '../support/script.js'

/** What is thrown. */
const VALUES = {
  null: 'null',
  undefined: 'undefined',
  zero: '0',
  'an empty string': "''",
  'a symbol': "Symbol('thrown')",
  'a bigint': '1n',
  'a function': '() => {}',
  'a frozen object': 'Object.freeze({ thrown: true })',
  'a frozen error': "Object.freeze(new Error('thrown'))",
  'an object without a prototype': 'Object.create(null)',
  'a proxy of an error that refuses everything':
    "new Proxy(new Error('thrown'), { get() { throw 1 }, has() { throw 1 }, getPrototypeOf() { throw 1 }, ownKeys() { throw 1 }, getOwnPropertyDescriptor() { throw 1 } })",
  'a revoked proxy':
    '(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()',
  'an error whose message throws':
    "Object.defineProperty(new Error('thrown'), 'message', { get() { throw new Error('no message') } })",
  'an error whose stack and code throw':
    "Object.defineProperties(new Error('thrown'), { stack: { get() { throw 1 } }, code: { get() { throw 1 } } })",
  'an object that cannot be shown':
    "{ [Symbol.for('nodejs.util.inspect.custom')]() { throw 1 }, toString() { throw 1 } }",
  'an error that is its own cause':
    "(() => { const error = new Error('thrown'); error.cause = error; return error })()",
}

/** How it is thrown while a job runs. */
const WAYS = {
  timer: 'setTimeout(() => { throw value })',
  nextTick: 'process.nextTick(() => { throw value })',
  microtask: 'queueMicrotask(() => { throw value })',
  rejection: 'Promise.reject(value)',
}

const WORKER = `
  const values = { ${Object.entries(VALUES)
    .map(([name, source]) => `${JSON.stringify(name)}: () => (${source})`)
    .join(',\n')} }
  const ways = { ${Object.entries(WAYS)
    .map(([name, source]) => `${name}: (value) => { ${source} }`)
    .join(',\n')} }
  export default ({ name, way }) => {
    ways[way](values[name]())
    return new Promise(() => setInterval(() => {}, 1000))
  }`

const SCRIPT = `
  import { readFileSync } from 'node:fs'
  const [directory, worker, jobs] = process.argv.slice(2)
  const workers = { thrower: worker, echo: { module: fixture, export: 'echo' } }
  const queue = await JobQueue.open(directory, { workers, maxWorkers: 2, attempts: 1, durability: 'process' })
  const outcomes = await Promise.all(JSON.parse(jobs).map(async (input) => {
    const job = await queue.enqueue('thrower', input)
    const { failures } = await job.finished().catch((error) => error)
    return [input.name, input.way, failures.map(({ code }) => code).join()]
  }))
  const echoed = await (await queue.enqueue('echo', 'goes on')).finished()
  await queue.close()
  console.log(JSON.stringify({ outcomes, echoed }))`

for (const way of Object.keys(WAYS))
  test(`${way}: whatever a thread throws out of band is one failed attempt`, async (t) => {
    const directory = await temporaryDirectory(t)
    const worker = join(directory, 'thrower.mjs')
    await writeFile(worker, WORKER)
    const jobs = Object.keys(VALUES).map((name) => ({ name, way }))
    const queue = join(directory, 'queue')
    const { code, stdout, stderr } = await runScript(t, SCRIPT, [queue, worker, JSON.stringify(jobs)])
    assert.equal(code, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), {
      outcomes: jobs.map(({ name }) => [name, way, 'MILLRACE_THREAD_DIED']),
      echoed: 'goes on',
    })
  })
