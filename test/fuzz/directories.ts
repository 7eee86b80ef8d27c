/** Directories of jobs in which one entry is another than was written: they open, and their jobs can be listed and run, or are refused. */
import { cpSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { JobQueue } from '../../src/index.js'
import { type Key, placeOf } from '../../src/store/level/format/keys.js'
import type { Chance } from '../support/chance.js'
import { FIXTURE } from '../support/queue.js'
import { Corpus } from './corpus.js'
import { mend } from './records.js'
import { refusal, shown, type Target, type Verdict } from './target.js'

type Entry = readonly [Key, Buffer]

const OPTIONS = {
  workers: {
    echo: { module: FIXTURE, export: 'echo' },
    throwValue: { module: FIXTURE, export: 'throwValue' },
  },
  keep: { completed: { input: true } },
  attempts: 1,
  maxWorkers: 0,
} as const
/** Of these the value begins with a checksum over the place in the key: single jobs, and bits of chunks. */
const CHECKED = 'bdfach'
/** With a run of the jobs an input takes much longer. */
const RUN_SHARE = 0.1

export class Directories implements Target {
  readonly batch = 10
  last = ''
  readonly #directory: string
  readonly #entries: readonly Entry[]
  readonly #values: Corpus

  private constructor(directory: string, entries: readonly Entry[]) {
    this.#directory = directory
    this.#entries = entries
    this.#values = new Corpus(entries.map(([, value]) => value))
  }

  static async open(directory: string): Promise<Directories> {
    const template = join(directory, 'template')
    await fill(template)
    const level = await rawOpen(template)
    const entries = await level.iterator().all()
    await level.close()
    return new Directories(directory, entries)
  }

  async try(chance: Chance): Promise<Verdict> {
    const changed = join(this.#directory, 'changed')
    await rm(changed, { recursive: true, force: true })
    cpSync(join(this.#directory, 'template'), changed, { recursive: true })
    const [key, written] = this.#entries[chance.below(this.#entries.length)] as Entry
    const value = new Corpus([written, this.#values.pick(chance)]).mutated(chance)
    if (CHECKED.includes(String.fromCharCode(key[0] ?? 0)) && chance.is(0.7))
      mend(value, placeOf(key), 0, value.length)
    this.last = `the value of ${key.toString('base64')} is ${shown(value)}`
    const level = await rawOpen(changed)
    await level.put(key, value)
    await level.close()
    try {
      await readAll(changed, chance.is(RUN_SHARE))
      return 'taken'
    } catch (error) {
      return refusal(error)
    }
  }

  async close(): Promise<void> {}
}

async function fill(directory: string): Promise<void> {
  const queue = await JobQueue.open(directory, { ...OPTIONS, maxWorkers: 1 })
  const done = await queue.enqueueMany('echo', [1, 'two', { three: [3] }, 4, 5, 6], (_, index) => ({
    key: `${index}`,
    meta: { index },
  }))
  const failed = await queue.enqueue('throwValue', 'no')
  await Promise.allSettled([...done, failed].map((job) => job.finished()))
  queue.setMaxWorkers(0)
  await (await queue.enqueue('echo', 'cancelled')).cancel()
  await queue.enqueueMany('echo', [10, 11, 12, 13, 14], (input) => ({ key: `k${input}` }))
  await queue.enqueue('echo', 'by itself', { priority: 3, meta: 'm', timeout: 1000 })
  await queue.enqueue('echo', 'later', { delay: '1h' })
  await queue.close()
}

/** Reads all that there is of all jobs, and runs those that wait. */
async function readAll(directory: string, isToRun: boolean): Promise<void> {
  const queue = await JobQueue.open(directory, OPTIONS)
  let broken: unknown
  queue.on('error', (error) => {
    broken ??= error
  })
  try {
    for (const job of await queue.jobs({ limit: 1000 })) {
      // Each member by itself: one that is damaged throws when it is read.
      for (const read of [
        () => job.input,
        () => job.output,
        () => job.meta,
        () => job.failures,
        () => job.toJSON(),
      ])
        cleanly(read)
    }
    if (isToRun) queue.setMaxWorkers(1)
  } finally {
    await queue.close({ drain: isToRun, timeout: '5s' })
  }
  if (broken) throw broken
}

function cleanly(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    refusal(error)
  }
}

function rawOpen(directory: string): Promise<Level<Key, Buffer>> {
  const level = new Level<Key, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  return level.open().then(() => level)
}
