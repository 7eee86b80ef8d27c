/** What jobs print, as lines of their logs: `captureConsole`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JobQueue, OptionError } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/directory.js'
import { runScript } from '../../support/script.js'

/** A worker module with this code. */
function worker(code: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`)
}

/** Runs a script with `worker`, `queue` and `logOf`, which gives what a job of a module has logged. */
async function printed(t: Parameters<typeof runScript>[0], body: string): Promise<[string, string]> {
  const script = `
    ${worker}
    const queue = await JobQueue.open(process.argv[2], {
      workers: ({ meta }) => worker(meta), captureConsole: true, maxWorkers: 1, attempts: 1, idleTimeout: '1h',
    })
    const enqueue = (code, options) => queue.enqueue('any', undefined, { meta: code, ...options })
    const logOf = async (code, options) => {
      const { id } = await enqueue(code, options)
      await queue.idle()
      return (await queue.job(id)).log
    }
    ${body}
    await queue.close()`
  const { stdout, stderr } = await runScript(t, script, [await temporaryDirectory(t)])
  return [stdout, stderr]
}

test('what a job prints is in its log, in the order of its own lines, and not on standard output', async (t) => {
  const code = `export default async (_, job) => {
      console.log('one %d', 1)
      job.log('two')
      console.error('three')
      process.stdout.write('fo')
      process.stdout.write(Buffer.from('ur €').subarray(0, 4))
      process.stdout.write(Buffer.from('ur €').subarray(4))
      console.warn('five')
      process.stdout.write(' is done\\\\n')
      await null
      console.info({ six: 6 })
      console.log()
      process.stderr.write('not ended')
    }`
  const [stdout, stderr] = await printed(t, `console.log(JSON.stringify(await logOf(\`${code}\`)))`)
  assert.equal(stderr, '')
  assert.deepEqual(JSON.parse(stdout), {
    lines: ['one 1', 'two', 'three', 'five', 'four € is done', '{ six: 6 }', '', 'not ended'],
    dropped: 0,
  })
})

test('what a job prints before it hangs is in its log', async (t) => {
  const code = `export default () => {
      for (let line = 1; line <= 5; line++) console.log(line)
      for (;;);
    }`
  const [stdout] = await printed(
    t,
    `console.log((await logOf(\`${code}\`, { timeout: 500 })).lines.join(' '))`,
  )
  assert.equal(stdout, '1 2 3 4 5\n')
})

test('what is printed while a module loads, or by what an ended job left running, is not taken for a line of another job', async (t) => {
  const [stdout, stderr] = await printed(
    t,
    `
    const first = \`
      console.log('loading')
      export default () => {
        globalThis.later = () => console.log('left running')
        globalThis.timer = setTimeout(() => { console.error('a timer'); globalThis.hasFired() }, 10)
        globalThis.fired = new Promise((resolve) => { globalThis.hasFired = resolve })
        console.log('first')
      }\`
    const second = \`
      export default async () => {
        console.log('second')
        await globalThis.fired
        globalThis.later()
        console.log('end')
      }\`
    const logs = [await logOf(first), await logOf(second)]
    console.log(logs.map(({ lines }) => lines.join(', ')).join('; '))`,
  )
  assert.equal(stdout, 'loading\nfirst; second, left running, end\n')
  assert.equal(stderr, 'a timer\n')
})

test('a line that does not end is cut into lines', async (t) => {
  const code = `export default () => {
      for (let count = 0; count < 10; count++) process.stdout.write('x'.repeat(1000))
    }`
  const [stdout] = await printed(
    t,
    `console.log((await logOf(\`${code}\`)).lines.map(({ length }) => length).join(' '))`,
  )
  assert.equal(stdout, '4096 4096 1808\n')
})

test('a task may say other than the queue what becomes of what its jobs print', async (t) => {
  const quiet = worker(`export default () => console.log('printed')`)
  const queue = await JobQueue.open(await temporaryDirectory(t), {
    workers: { captured: { module: quiet, captureConsole: true }, other: quiet },
    maxWorkers: 1,
  })
  t.after(() => queue.close())
  const [captured, other] = [await queue.enqueue('captured'), await queue.enqueue('other')]
  await queue.idle()
  assert.deepEqual((await queue.job(captured.id))?.log?.lines, ['printed'])
  assert.equal((await queue.job(other.id))?.log, undefined)
})

test('of jobs that share a thread each has its own lines', async (t) => {
  const code = `
    const here = []
    export default async (name) => {
      console.log(name, 'begins')
      // Each goes on when both are here.
      await new Promise((resolve) => here.push(resolve) === 2 && here.forEach((goOn) => goOn()))
      console.log(name, 'ends')
    }`
  const queue = await JobQueue.open(await temporaryDirectory(t), {
    workers: { pair: { module: worker(code), perThread: 2 } },
    maxWorkers: 1,
    captureConsole: true,
  })
  t.after(() => queue.close())
  const jobs = [await queue.enqueue('pair', 'a'), await queue.enqueue('pair', 'b')]
  await queue.idle()
  const logs = await Promise.all(jobs.map(async ({ id }) => (await queue.job(id))?.log?.lines))
  assert.deepEqual(logs, [
    ['a begins', 'a ends'],
    ['b begins', 'b ends'],
  ])
})

test('captureConsole is true or false', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = worker('export default () => {}')
  for (const options of [
    { workers: { any: module }, captureConsole: 'yes' },
    { workers: { any: { module, captureConsole: 1 } } },
  ])
    await assert.rejects(JobQueue.open(directory, options as never), OptionError)
})
