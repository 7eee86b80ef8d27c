/** A closed queue whose jobs are in a table and in a log, and ways to damage its files. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Job } from '../../src/index.js'
import { allJobs } from './all-jobs.js'
import { temporaryDirectory } from './directory.js'
import { inspect } from './inspect.js'
import { openQueue } from './queue.js'

/** An input that LevelDB cannot compress much, so that the jobs fill several blocks. */
export function bulky(index: number): string {
  let text = `${index}:`
  for (let state = index + 1; text.length < 300; state = (state * 48_271) % 2_147_483_647)
    text += state.toString(36)
  return text
}

export interface Stored {
  readonly directory: string
  /** Each job's input, by its id. */
  readonly inputs: ReadonlyMap<string, unknown>
  /** The ids of the jobs that are in the log, not in the table. */
  readonly inLog: readonly string[]
}

/** 60 jobs in a table, some of them finished, delayed or with a key; then 5 in a log. */
export async function storedQueue(t: TestContext): Promise<Stored> {
  const directory = await temporaryDirectory(t)
  const inputs = new Map<string, unknown>()
  const first = await openQueue(t, { directory })
  const done = [
    await first.enqueue('echo', bulky(0)),
    await first.enqueue('throwValue', bulky(1), { attempts: 1 }),
  ]
  await Promise.allSettled(done.map((job) => job.finished()))
  first.setMaxWorkers(0)
  for (let index = 2; index < 60; index++) {
    const { id } = await first.enqueue('echo', bulky(index), {
      ...(index % 10 === 3 && { key: `key ${index}` }),
      ...(index % 10 === 4 && { delay: 3_600_000 }),
    })
    inputs.set(id, bulky(index))
  }
  await first.close()
  const second = await openQueue(t, { directory, maxWorkers: 0 })
  const inLog: string[] = []
  for (let index = 60; index < 65; index++) {
    const { id } = await second.enqueue('add', { a: index, b: 1 })
    inputs.set(id, { a: index, b: 1 })
    inLog.push(id)
  }
  await second.close()
  for (const { id } of done) inputs.set(id, undefined)
  return { directory, inputs, inLog }
}

/** The name of the one file of this kind. */
export async function fileOf(directory: string, kind: RegExp): Promise<string> {
  const [name, another] = (await readdir(directory)).filter((each) => kind.test(each))
  assert.ok(name !== undefined && another === undefined)
  return name
}

/** Changes one bit of a file, so far into it (0 to 1). */
export async function flip(directory: string, name: string, at: number): Promise<void> {
  const bytes = await readFile(join(directory, name))
  const index = Math.min(bytes.length - 1, Math.floor(at * bytes.length))
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (index % 8))
  await writeFile(join(directory, name), bytes)
}

/** The jobs of a directory that holds together; each that is there is what it was. */
export async function intactJobs(t: TestContext, { directory, inputs }: Stored): Promise<Job[]> {
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  const jobs = await allJobs(queue)
  await queue.close()
  assert.deepEqual((await inspect(directory)).problems, [])
  for (const job of jobs) {
    assert.ok(inputs.has(job.id), `job ${job.id} has never been added`)
    if (job.finishedAt === undefined) assert.deepEqual(job.input, inputs.get(job.id))
  }
  return jobs
}
