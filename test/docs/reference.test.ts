/**
 * The documents' tables name just what the code has: no option, method, event or code more or less. Lists of what a type has
 * stand here as records, which do not compile when they lack one.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as millrace from '../../src/index.js'
import {
  type CleanOptions,
  type CloseOnSignalsOptions,
  type CloseOptions,
  type EnqueueOptions,
  type Job,
  type JobContext,
  JobQueue,
  type JobsQuery,
  type ManyJobs,
  type MapOptions,
  type QueueEvents,
  type QueueOptions,
  type TrustOptions,
} from '../../src/index.js'
import { FINISHED_STATES, JOB_STATES } from '../../src/job/job.js'
import { temporaryDirectory } from '../support/directory.js'
import { codeSpans, sectionOf, tableRows } from '../support/markdown.js'
import { ROOT, runShell } from '../support/project.js'
import { FIXTURE } from '../support/queue.js'

const page = (name: string) => readFileSync(join(ROOT, name), 'utf8')
const REFERENCE = page('docs/reference.md')
const COMMAND_LINE = page('docs/command-line.md')

type Names<Type> = Record<keyof Required<Type>, true>

/** What stands in code in the first cells of a section's table. */
function named(heading: string, document = REFERENCE): string[] {
  return tableRows(document, heading)
    .flatMap(([first = '']) => codeSpans(first))
    .sort()
}

/** The names that an error's message offers: all that there are. */
async function offered(failing: Promise<unknown>): Promise<string[]> {
  const { code, message } = (await failing.then(
    () => assert.fail('an unknown option was accepted'),
    (error: unknown) => error,
  )) as { code: string; message: string }
  assert.equal(code, 'MILLRACE_OPTION')
  const [, names = ''] = /: use (.*)$/.exec(message) ?? []
  return names.split(', ').sort()
}

const workers = { echo: { module: FIXTURE, export: 'echo' } }
const open = (options: object): Promise<JobQueue> =>
  JobQueue.open('never-opened', { workers, ...options } as QueueOptions)

test('the options of open', async () => {
  assert.deepEqual(named('## Options of `JobQueue.open'), await offered(open({ none: 1 })))
})

test('the options of tasks', async () => {
  const task = open({ workers: { echo: { ...workers.echo, none: 1 } } })
  assert.deepEqual(named('## Task options'), await offered(task))
})

test('the options of enqueue', async (t) => {
  const queue = await JobQueue.open(await temporaryDirectory(t), { workers })
  t.after(() => queue.close())
  const enqueued = queue.enqueue('echo', 1, { none: 1 } as EnqueueOptions)
  assert.deepEqual(named('## Options of `enqueue'), await offered(enqueued))
})

test('backoff and keep', async () => {
  const backoff = codeSpans(sectionOf(REFERENCE, '## Backoff')).filter((code) => /^\w+$/.test(code))
  assert.deepEqual(
    [...new Set(backoff)].sort(),
    await offered(open({ backoff: { none: 1 } as QueueOptions['backoff'] })),
  )
  const keep = codeSpans(sectionOf(REFERENCE, '## Keep')).filter((code) => /^[a-z]+$/.test(code))
  assert.deepEqual(keep.sort(), await offered(open({ keep: { none: {} } as QueueOptions['keep'] })))
  assert.deepEqual(keep, [...FINISHED_STATES].sort())
})

test('the options of other methods', () => {
  const rows = tableRows(REFERENCE, '## Options of other methods').map(([method = '', option = '']) =>
    [...codeSpans(method), ...codeSpans(option)].join('.'),
  )
  const of = (method: string, options: object) => Object.keys(options).map((name) => `${method}.${name}`)
  const map: Names<Omit<MapOptions, keyof EnqueueOptions>> = { buffer: true, cancelOnBreak: true }
  const jobs: Names<JobsQuery> = { state: true, task: true, limit: true, after: true }
  const many: Names<ManyJobs> = { state: true, task: true }
  const clean: Names<CleanOptions> = { state: true, olderThan: true, task: true, limit: true }
  const trust: Names<TrustOptions> = { trustDirectory: true }
  const close: Names<CloseOptions> = { timeout: true, drain: true }
  const onSignals: Names<Omit<CloseOnSignalsOptions, keyof CloseOptions>> = {
    signals: true,
    before: true,
    after: true,
  }
  assert.deepEqual(rows, [
    ...of('map', map),
    ...of('jobs', jobs),
    ...of('cancelAll', many),
    ...of('retryAll', many),
    ...of('removeAll', many),
    ...of('clean', clean),
    ...of('close', close),
    ...of('backup', trust),
    ...of('repair', trust),
    ...of('closeOnSignals', onSignals),
  ])
})

test('the methods and members of a queue', () => {
  const own = Object.getOwnPropertyNames(JobQueue.prototype).filter((name) => name !== 'constructor')
  assert.deepEqual(named('## Methods of a queue'), [...own, 'directory', 'recovered'].sort())
})

type JobMethod = 'finished' | 'events' | 'cancel' | 'retry' | 'remove' | 'toJSON'

test('the members of a job, and what a worker is given', () => {
  const [, listed = ''] = /^A job is a snapshot: ([^.]+)\./m.exec(REFERENCE) ?? []
  const job: Record<Exclude<keyof Job & string, JobMethod>, true> = {
    id: true,
    task: true,
    state: true,
    priority: true,
    key: true,
    meta: true,
    input: true,
    output: true,
    attempt: true,
    attempts: true,
    backoff: true,
    failures: true,
    failureCount: true,
    enqueuedAt: true,
    runAt: true,
    startedAt: true,
    finishedAt: true,
    progress: true,
    log: true,
  }
  assert.deepEqual(codeSpans(listed), Object.keys(job))
  const context: Names<JobContext> = {
    id: true,
    task: true,
    attempt: true,
    attempts: true,
    isLastAttempt: true,
    priority: true,
    key: true,
    enqueuedAt: true,
    meta: true,
    saved: true,
    checkpoint: true,
    progress: true,
    log: true,
    signal: true,
    toJSON: true,
  }
  const given = named('## What a worker is given', page('docs/workers.md')).map((code) =>
    code.replace(/\(.*/, ''),
  )
  assert.deepEqual(given, Object.keys(context).sort())
})

test('the states', () => {
  const listed = codeSpans(sectionOf(REFERENCE, '## States')).filter((code) =>
    (JOB_STATES as readonly string[]).includes(code),
  )
  assert.deepEqual(listed.sort(), [...JOB_STATES].sort())
})

test('the events', () => {
  const events: Names<QueueEvents> = {
    updated: true,
    started: true,
    progress: true,
    log: true,
    retrying: true,
    completed: true,
    failed: true,
    cancelled: true,
    finished: true,
    idle: true,
    withoutWorker: true,
    error: true,
  }
  assert.deepEqual(named('## Events'), Object.keys(events).sort())
})

test('the error codes, each with its class', () => {
  const rows = tableRows(REFERENCE, '## Error codes')
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(ROOT, 'src', file), 'utf8'))
    .join('\n')
  const codes = new Set([...sources.matchAll(/'(MILLRACE_[A-Z_]+)'/g)].map(([, code = '']) => code))
  assert.deepEqual(named('## Error codes'), [...codes].sort())
  const classes = rows.flatMap(([, second = '']) => codeSpans(second))
  const exported = Object.keys(millrace).filter((name) => name.endsWith('Error') && name !== 'MillraceError')
  assert.deepEqual(classes.sort(), exported.sort())
  for (const [first = '', second = ''] of rows) {
    const [[code = ''], [name]] = [codeSpans(first), codeSpans(second)]
    if (name !== undefined)
      assert.equal(
        code,
        `MILLRACE_${name.replace(/Error$/, '').replace(/(?<=.)[A-Z]/g, '_$&')}`.toUpperCase(),
      )
  }
})

test('the options of millrace run', async () => {
  const { stdout } = await runShell(ROOT, 'npx millrace run --help')
  const [, options = ''] = stdout.split('Options:\n')
  const flags = [...options.matchAll(/^ {2}(--[\w-]+(?: <\w+>)?)/gm)].map(([, flag = '']) => flag)
  assert.deepEqual(
    named('## The millrace command', COMMAND_LINE)
      .filter((code) => code.startsWith('--'))
      .sort(),
    flags.sort(),
  )
})

test('the ready-made workers', () => {
  const modules = readdirSync(join(ROOT, 'workers'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace(/\.ts$/, ''))
  assert.deepEqual(named('## Ready-made workers', COMMAND_LINE), modules.sort())
})

test('the dependencies, each with its reason', () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const listed = tableRows(page('README.md'), '## Dependencies').map(
    ([first = '']) => /^\[([^\]]+)\]/.exec(first)?.[1],
  )
  assert.deepEqual(listed.sort(), Object.keys(dependencies).sort())
})
