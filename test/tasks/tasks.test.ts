import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { OptionError, UnknownTaskError, WorkerModuleError } from '../../src/errors/errors.js'
import { Tasks } from '../../src/tasks/tasks.js'
import type { JobInfo, WorkerFactory, WorkerMap } from '../../src/tasks/worker-module.js'
import { temporaryDirectory } from '../support/directory.js'
import { FIXTURE } from '../support/queue.js'

const INFO: JobInfo = { id: '0a', task: 'echo', priority: 0, attempt: 1, meta: undefined }
const unasked = (): never => assert.fail('the job was asked for')

function from(workers: unknown, defaults: object = {}, tasks?: Record<string, object>): Promise<Tasks> {
  return Tasks.from(workers as WorkerMap, tasks, defaults)
}

test('a module is given as URL, as the text of a URL, as path, or with its export', async () => {
  const path = FIXTURE.pathname
  const tasks = await from({
    url: FIXTURE,
    href: FIXTURE.href,
    absolute: path,
    relative: relative(process.cwd(), path),
    named: { module: FIXTURE, export: 'echo' },
    inline: 'data:text/javascript,export default () => 1',
  })
  for (const task of ['url', 'href', 'absolute', 'relative'])
    assert.deepEqual(tasks.moduleFor(task, unasked), {
      url: FIXTURE.href,
      exportName: 'default',
      capturesConsole: false,
    })
  assert.deepEqual(tasks.moduleFor('named', unasked), {
    url: FIXTURE.href,
    exportName: 'echo',
    capturesConsole: false,
  })
  assert.match(tasks.moduleFor('inline', unasked).url, /^data:/)
})

test('a path with characters that URLs reserve names its file', async (t) => {
  const path = join(await temporaryDirectory(t), 'a #b?c%20d')
  await mkdir(path)
  await assert.rejects(from({ odd: path }), new WorkerModuleError(`workers.odd: ${path} is not a file`))
  const missing = join(path, 'worker.js')
  await assert.rejects(from({ odd: pathToFileURL(missing) }), (error: Error) => {
    assert.equal(error.message, `workers.odd: there is no worker module at ${missing}`)
    assert.equal((error.cause as { code?: string }).code, 'ENOENT')
    return error instanceof WorkerModuleError
  })
})

test('what is no module is refused by name', async () => {
  for (const [given, message] of [
    [
      () => 1,
      /^workers\.odd is a function: a function cannot travel to another thread.*Put it into a file of its own.*new URL\(/,
    ],
    [{ module: () => 1 }, /^workers\.odd is a function/],
    ['', /^workers\.odd must be a worker module: .*; got ""$/],
    [5, /; got 5$/],
    [null, /; got null$/],
    [{}, /; got undefined$/],
    [new URL('https://example.com/worker.js'), /; got https:\/\/example\.com\/worker\.js$/],
  ] as const)
    await assert.rejects(from({ odd: given }), (error: Error) => {
      assert.match(error.message, message)
      return error instanceof WorkerModuleError
    })
  await assert.rejects(
    from({ odd: { module: FIXTURE, export: 5 } }),
    new OptionError('workers.odd.export must be the name of an export, got 5'),
  )
})

test('the workers option itself is checked', async () => {
  for (const workers of [undefined, null, 5, './workers'])
    await assert.rejects(
      from(workers),
      /^OptionError: workers must map task names to worker modules, or be a/,
    )
  await assert.rejects(
    from({ echo: FIXTURE }, {}, { echo: {} }),
    /^OptionError: tasks goes with a worker factory; in a map, write/,
  )
})

test('a task has the options beside its module, else the defaults given to open, else the built-in ones', async () => {
  const limits = { maxOldGenerationSizeMb: 64 }
  const tasks = await from(
    {
      plain: FIXTURE,
      own: {
        module: FIXTURE,
        concurrency: 2,
        perThread: 20,
        attempts: 7,
        backoff: [1],
        timeout: 5,
        resourceLimits: limits,
        captureConsole: false,
      },
    },
    { attempts: 4, timeout: 9, captureConsole: true },
  )
  assert.deepEqual(tasks.known('own'), {
    name: 'own',
    concurrency: 2,
    perThread: 20,
    attempts: 7,
    backoff: [1],
    timeout: 5,
    resourceLimits: limits,
    capturesConsole: false,
  })
  assert.deepEqual(tasks.known('plain'), {
    name: 'plain',
    concurrency: Number.POSITIVE_INFINITY,
    perThread: 1,
    attempts: 4,
    backoff: {},
    timeout: 9,
    resourceLimits: undefined,
    capturesConsole: true,
  })
  assert.equal((await from({ plain: FIXTURE })).known('plain').attempts, 3)
})

test('options of tasks are refused by name', async () => {
  for (const [options, message] of [
    [{ concurrency: 0 }, 'workers.a.concurrency must be an integer from 1 to 1024, got 0'],
    [{ perThread: 0 }, 'workers.a.perThread must be an integer from 1 to 1024, got 0'],
    [{ attempts: 1001 }, 'workers.a.attempts must be an integer from 1 to 1000, got 1001'],
    [{ backoff: [] }, 'workers.a.backoff must list at least one delay, got []'],
    [{ resourceLimits: 5 }, 'workers.a.resourceLimits must be an object, got 5'],
    [
      { resourceLimits: { stackSizeMb: '4' } },
      'workers.a.resourceLimits.stackSizeMb must be a number from 1 to 1024 (MB), got "4"',
    ],
    [
      { resourceLimits: { maxHeapMb: 4 } },
      'workers.a.resourceLimits.maxHeapMb is not known: use maxOldGenerationSizeMb, maxYoungGenerationSizeMb, codeRangeSizeMb, stackSizeMb',
    ],
    [
      { priority: 1 },
      'workers.a.priority is not known: use module, export, concurrency, perThread, attempts, backoff, timeout, resourceLimits, captureConsole',
    ],
  ] as const)
    await assert.rejects(from({ a: { module: FIXTURE, ...options } }), new OptionError(message))
  await assert.rejects(
    from(() => FIXTURE, {}, { a: { concurrency: -1 } }),
    /^OptionError: tasks\.a\.concurrency must be/,
  )
  await assert.rejects(
    from({ a: FIXTURE }, { attempts: 0 }),
    /^OptionError: attempts must be an integer from 1/,
  )
})

test('names of tasks are 1 to 256 bytes of text', async () => {
  await from({ ['é'.repeat(128)]: FIXTURE })
  for (const name of ['', 'x'.repeat(257), '\ud800'])
    await assert.rejects(
      from({ [name]: FIXTURE }),
      /^OptionError: a task's name must be a string of 1 to 256 bytes/,
    )
  const tasks = await from({ echo: FIXTURE })
  assert.throws(() => tasks.known(5 as unknown as string), /a task's name must be a string.*, got 5$/)
})

test('a task that is not in the map is unknown, whatever its name', async () => {
  const tasks = await from({ echo: FIXTURE, add: FIXTURE })
  for (const name of ['resize', 'toString', '__proto__', 'constructor']) {
    assert.equal(tasks.config(name), undefined)
    assert.throws(() => tasks.known(name), new UnknownTaskError(name, ['echo', 'add']))
    assert.throws(() => tasks.moduleFor(name, unasked), UnknownTaskError)
  }
})

test('a worker factory is asked with the job for each job, and any task is known to it', async () => {
  const asked: JobInfo[] = []
  const factory: WorkerFactory = (job) => {
    asked.push(job)
    return { module: FIXTURE, export: job.task }
  }
  const tasks = await Tasks.from(factory, { slow: { timeout: 5 } }, { attempts: 2 })
  assert.deepEqual(
    tasks.moduleFor('echo', () => INFO),
    { url: FIXTURE.href, exportName: 'echo', capturesConsole: false },
  )
  assert.deepEqual(asked, [INFO])
  assert.deepEqual([tasks.known('slow').timeout, tasks.known('any').timeout], [5, 0])
  assert.equal(tasks.known('any').attempts, 2)
})

test("what is wrong with a worker factory's answer is said", async () => {
  const answers = (answer: unknown) => Tasks.from((() => answer) as WorkerFactory, undefined, {})
  for (const answer of [undefined, Promise.resolve(FIXTURE), 5]) {
    const tasks = await answers(answer)
    assert.throws(
      () => tasks.moduleFor('echo', () => INFO),
      /^WorkerModuleError: the worker factory's answer for task "echo" must be a worker module/,
    )
  }
  const throwing = await Tasks.from(
    () => {
      throw new RangeError('no module today')
    },
    undefined,
    {},
  )
  assert.throws(() => throwing.moduleFor('echo', () => INFO), /^RangeError: no module today$/)
})

test("a job's own attempts come before its task's, and granted ones are added", async () => {
  const tasks = await from({ echo: { module: FIXTURE, attempts: 5 } }, { attempts: 2 })
  assert.equal(tasks.attemptsOf('echo', {}), 5)
  assert.equal(tasks.attemptsOf('echo', { attempts: 1, granted: 3 }), 4)
  assert.equal(tasks.attemptsOf('gone', {}), 2)
  assert.equal(tasks.attemptsOf(undefined, { granted: 1 }), 3)
})
