/** `millrace export` and `millrace import`. */
import assert from 'node:assert/strict'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { encode } from '../../src/codec/codec.js'
import { importJobs } from '../../src/store/level/transfer/import.js'
import { allJobs } from '../support/all-jobs.js'
import { temporaryDirectory } from '../support/directory.js'
import { inspect } from '../support/inspect.js'
import { runShell } from '../support/project.js'
import { openQueue } from '../support/queue.js'

const ALL = { count: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY }
const KEEP = { completed: { ...ALL, input: true }, failed: ALL, cancelled: ALL }

/** Values that JSON gives back as they are, and others. */
const VALUES: readonly unknown[] = [
  ...[null, true, 0, -0, 1.5, -1, 2 ** 60, 10n, Number.NaN, '', 'ü\u{1f600}\ud800', undefined],
  ...[
    { a: [1, { b: 'c' }] },
    {},
    [],
    { $cbor: 'mine' },
    { a: undefined },
    [undefined],
    JSON.parse('{"__proto__":1}'),
  ],
  ...[
    new Date(5),
    new Map([[{ k: 1 }, new Set([1])]]),
    /x/gi,
    new Uint8Array([1, 2]),
    new Float64Array([0.5]),
  ],
  new RangeError('an error'),
]

/** A closed queue with jobs in every state and of every kind of value. */
async function filled(t: TestContext): Promise<string> {
  const directory = join(await temporaryDirectory(t), 'jobs')
  const queue = await openQueue(t, { directory, keep: KEEP })
  await Promise.all((await queue.enqueueMany('echo', [...VALUES])).map((job) => job.finished()))
  const failing = await queue.enqueue('throwValue', 'no', { attempts: 2, meta: new Map([['m', 1n]]) })
  await assert.rejects(failing.finished())
  await assert.rejects((await queue.enqueue('throwUnrecoverable')).finished())
  queue.setMaxWorkers(0)
  await (await queue.enqueue('echo', 'called off', { meta: { a: 1 } })).cancel()
  await queue.enqueueMany('echo', [...VALUES], (_value, index) => ({ priority: (index % 3) - 1 }))
  await queue.enqueue('add', { a: 1, b: 2 }, { key: 'ein Schlüssel', attempts: 9, timeout: 50, backoff: 7 })
  await queue.enqueue('add', { a: 1, b: 2 }, { runAt: new Date('2100-01-01'), key: 'later' })
  await queue.close()
  return directory
}

/** Every job of a directory, as the application sees it. */
async function jobsIn(t: TestContext, directory: string) {
  const queue = await openQueue(t, { directory, keep: KEEP, maxWorkers: 0 })
  const jobs = (await allJobs(queue)).map((job) => ({ ...job }))
  await queue.close()
  assert.deepEqual((await inspect(directory)).problems, [])
  return jobs
}

async function exported(directory: string, to: string): Promise<void> {
  const { code, stderr } = await runShell(directory, `npx millrace export . > "${to}"`)
  assert.equal(code, 0, stderr)
}

test('what is exported and imported is the same queue: every job with its id, state, history, values and key', async (t) => {
  const directory = await filled(t)
  const file = join(directory, '..', 'jobs.jsonl')
  const before = await jobsIn(t, directory)
  await exported(directory, file)
  const { code, stdout, stderr } = await runShell(
    join(directory, '..'),
    'npx millrace import copy < jobs.jsonl',
  )
  assert.equal(code, 0, stderr)
  const copy = join(directory, '..', 'copy')
  assert.deepEqual(await jobsIn(t, copy), before)
  assert.deepEqual(await jobsIn(t, directory), before, 'the old directory is as it was')
  if (process.platform !== 'win32') assert.equal((await stat(copy)).mode & 0o777, 0o700)
  const queue = await openQueue(t, { directory: copy, keep: KEEP, maxWorkers: 0 })
  assert.deepEqual(JSON.parse(stdout), { jobs: queue.counts() })
  const known = before.find(({ key }) => key === 'ein Schlüssel')
  assert.equal((await queue.enqueue('add', { a: 5, b: 5 }, { key: 'ein Schlüssel' })).id, known?.id)
  const newest = Math.max(...before.map(({ id }) => Number.parseInt(id.slice(-12), 16)))
  assert.ok(Number.parseInt((await queue.enqueue('echo', 1)).id.slice(-12), 16) > newest)
  queue.setMaxWorkers(2)
  const waiting = await queue.jobs({ state: ['waiting', 'running'], limit: 1000 })
  await Promise.all(waiting.map((job) => job.finished()))
})

test('a line is JSON that one can read: plain values as they are, others as they are stored', async (t) => {
  const directory = join(await temporaryDirectory(t), 'jobs')
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  const { id } = await queue.enqueue('add', { a: 1, b: 2 }, { attempts: 2, meta: { from: 'me' } })
  await queue.enqueue('echo', 10n)
  await queue.close()
  await exported(directory, join(directory, '..', 'out'))
  const [header, plain, other] = String(await readFile(join(directory, '..', 'out')))
    .split('\n')
    .map((line) => JSON.parse(line || 'null'))
  assert.deepEqual(header, { millrace: 'jobs', version: 1, tasks: ['add', 'echo'] })
  const { enqueuedAt, ...rest } = plain
  assert.ok(Math.abs(Date.now() - enqueuedAt) < 60_000)
  assert.deepEqual(rest, {
    id,
    task: 'add',
    state: 'waiting',
    input: { a: 1, b: 2 },
    history: { attempts: 2 },
    values: { meta: { from: 'me' } },
  })
  assert.deepEqual(Object.keys(other.input), ['$cbor'])
})

test('an import that was cut short is no queue, and the same import begins again', async (t) => {
  const directory = await filled(t)
  const before = await jobsIn(t, directory)
  const parent = join(directory, '..')
  await exported(directory, join(parent, 'jobs.jsonl'))
  const copy = join(parent, 'copy')
  const cut = new Error('cut')
  async function* broken() {
    yield {
      place: { lane: 0, priority: 0, seq: 999 },
      state: 'waiting',
      enqueuedAt: 1,
      head: {},
      body: Buffer.from(encode('x'.repeat(2 ** 21), 'it')),
    } as const
    throw cut
  }
  await assert.rejects(importJobs(copy, { tasks: ['gone'], jobs: broken() }), (error) => error === cut)
  await assert.rejects(openQueue(t, { directory: copy }), { code: 'MILLRACE_NOT_A_QUEUE' })
  const { code, stderr } = await runShell(parent, 'npx millrace import copy --input-file jobs.jsonl')
  assert.equal(code, 0, stderr)
  assert.deepEqual(await jobsIn(t, copy), before)
  assert.ok(!(await readdir(copy)).includes('IMPORT'))
  const again = await runShell(parent, 'npx millrace import copy --input-file jobs.jsonl')
  assert.deepEqual([again.code, /holds something else/.test(again.stderr)], [2, true], again.stderr)
})

const JOB = '{"id":"000000008000000000000001","task":"a","state":"waiting","enqueuedAt":1,"input":1}'
const BAD: readonly [lines: string, message: RegExp][] = [
  ['', /line 1 /],
  ['{"id":1}', /line 1 does not say that these are jobs/],
  ['{"millrace":"jobs","version":2,"tasks":[]}', /version 2, this millrace reads version 1/],
  ['{"millrace":"jobs","version":1,"tasks":["a"]}\nno', /line 2 is no JSON object/],
  [`{"millrace":"jobs","version":1,"tasks":["b"]}\n${JOB}`, /line 2: its id and its task/],
  [
    `{"millrace":"jobs","version":1,"tasks":["a"]}\n\n${JOB.replace('waiting', 'asleep')}`,
    /line 3: its state/,
  ],
  [
    `{"millrace":"jobs","version":1,"tasks":["a"]}\n${JOB.replace('waiting', 'failed')}`,
    /line 2: .*finished/,
  ],
  [`{"millrace":"jobs","version":1,"tasks":["a"]}\n${JOB.replace('waiting', 'delayed')}`, /line 2: .*runAt/],
]

test('a file that holds something else is refused with the number of the line, and leaves no queue', async (t) => {
  const parent = await temporaryDirectory(t)
  for (const [lines, message] of BAD) {
    await writeFile(join(parent, 'in'), lines)
    const { code, stderr } = await runShell(parent, 'npx millrace import copy < in')
    assert.equal(code, 2, stderr)
    assert.match(stderr, message)
    // The directory has no fault.
    assert.doesNotMatch(stderr, /importing|mend/i)
    await assert.rejects(stat(join(parent, 'copy', 'MILLRACE')), { code: 'ENOENT' })
    await rm(join(parent, 'copy'), { recursive: true, force: true })
  }
})

test('export makes no directory and opens none that is in use; a missing input is named', async (t) => {
  const parent = await temporaryDirectory(t)
  const none = await runShell(parent, 'npx millrace export none')
  assert.deepEqual(
    [none.code, none.stdout, /^millrace: there is no queue in /.test(none.stderr)],
    [2, '', true],
  )
  assert.deepEqual(await readdir(parent), [])
  const queue = await openQueue(t, { maxWorkers: 0 })
  const used = await runShell(queue.directory, 'npx millrace export .')
  assert.deepEqual([used.code, /is already open in another process/.test(used.stderr)], [2, true])
  const missing = await runShell(parent, 'npx millrace import copy --input-file missing')
  assert.deepEqual(
    [missing.code, /the jobs cannot be read: .*missing/.test(missing.stderr)],
    [2, true],
    missing.stderr,
  )
})
