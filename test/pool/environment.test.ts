import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SHARE_ENV } from 'node:worker_threads'
import { JobQueue, type QueueOptions } from '../../src/index.js'
import { temporaryDirectory } from '../support/directory.js'
import { runScript } from '../support/script.js'

const WORKER = 'data:text/javascript,export default (name) => [process.env[name], process.execArgv]'

async function seen(t: TestContext, options: Partial<QueueOptions>, name = 'MILLRACE_SEEN') {
  const queue = await JobQueue.open(await temporaryDirectory(t), { workers: { look: WORKER }, ...options })
  t.after(() => queue.close({ timeout: 0 }))
  const look = async () => {
    const [value, flags] = (await (await queue.enqueue('look', name)).finished()) as [unknown, string[]]
    return { value, flags }
  }
  return look
}

test('threads have the variables that they are given, and no others', async (t) => {
  process.env.MILLRACE_SEEN = 'of the process'
  t.after(() => delete process.env.MILLRACE_SEEN)
  assert.equal((await (await seen(t, {}))()).value, 'of the process')
  const { MILLRACE_SEEN: _none, ...others } = process.env
  assert.equal(
    (await (await seen(t, { env: { ...others, OTHER: 'of the thread' } }, 'OTHER'))()).value,
    'of the thread',
  )
  assert.equal((await (await seen(t, { env: {} }))()).value, undefined)
  assert.equal(
    (await (await seen(t, { env: { ...process.env, MILLRACE_SEEN: undefined } }))()).value,
    undefined,
  )
})

test('with SHARE_ENV a thread sees what the process changes', async (t) => {
  const copied = await seen(t, { maxWorkers: 1 })
  const shared = await seen(t, { maxWorkers: 1, env: SHARE_ENV })
  t.after(() => delete process.env.MILLRACE_SEEN)
  for (const value of ['first', 'second']) {
    process.env.MILLRACE_SEEN = value
    assert.equal((await shared()).value, value)
    assert.equal((await copied()).value, 'first')
  }
})

test('threads have the flags that they are given, without those of the main script alone', async (t) => {
  const kept = ['--conditions', 'worker', '--no-warnings']
  const mainOnly = [
    '--input-type=module',
    '-e',
    'code',
    '--watch-path',
    '/x',
    '--inspect-brk=0',
    '--test_only',
  ]
  const look = await seen(t, { execArgv: [...mainOnly, ...kept, '--env-file', 'none'] })
  assert.deepEqual((await look()).flags, kept)
})

test('wrong flags and variables are refused by open, and values of variables are not shown', async (t) => {
  const open = async (options: object) =>
    JobQueue.open(await temporaryDirectory(t), { workers: { look: WORKER }, ...options })
  const refused = (options: object, message: RegExp) =>
    assert.rejects(open(options), { code: 'MILLRACE_OPTION', message })
  await refused({ execArgv: '--no-warnings' }, /^execArgv must be a list of texts, got "--no-warnings"/)
  await refused({ execArgv: [1] }, /^execArgv must be a list of texts/)
  await refused(
    { execArgv: ['--no-warnings', '--stack-size=1000'] },
    /does not take --stack-size=1000 for threads\./,
  )
  await refused({ execArgv: ['--nonsense'] }, /does not take --nonsense for threads\./)
  await refused({ env: 'A=1' }, /^env must be an object of texts, or SHARE_ENV .* got "A=1"/)
  await refused({ env: ['A'] }, /^env must be an object/)
  await refused({ env: { SECRET: 1234 } }, /^env\.SECRET must be a text, got a number$/)
})

const LOOK = `
  const [directory, worker, list] = process.argv.slice(2)
  const queue = await JobQueue.open(directory, {
    workers: { look: worker }, loadTimeout: 0, attempts: 1,
    ...(list === 'own' && { execArgv: process.execArgv }),
  })
  const job = await queue.enqueue('look')
  console.log(JSON.stringify(await job.finished()))
  await queue.close()
  process.exit()`

for (const list of ['inherited', 'own'])
  test(`${list} flags: those of V8 hold in threads, and those of the main script do not reach them`, async (t) => {
    const directory = await temporaryDirectory(t)
    const worker = join(directory, 'worker.mjs')
    await writeFile(worker, 'export default () => [typeof gc, process.execArgv]')
    const flags = ['--expose-gc', '--test-only', '--title', 'x', '--conditions=worker']
    const args = [join(directory, 'queue'), worker, list]
    const { stdout, stderr } = await runScript(t, LOOK, args, flags)
    assert.deepEqual(JSON.parse(stdout || '"none"'), ['function', ['--conditions=worker']], stderr)
  })

test('threads do not inherit --inspect-brk, which makes them wait for a debugger of their own', async (t) => {
  const directory = await temporaryDirectory(t)
  const worker = join(directory, 'worker.mjs')
  await writeFile(worker, 'export default () => process.execArgv')
  // Not given to the process itself: it would wait for a debugger too.
  const script = `process.execArgv.push('--inspect-brk=0')
    ${LOOK}`
  const { stdout, stderr } = await runScript(t, script, [join(directory, 'queue'), worker, 'inherited'])
  assert.equal(stdout, '[]\n', stderr)
})
