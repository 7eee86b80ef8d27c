/** `millrace export`: writes every job of a directory that nobody has open as a line of JSON. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { NotAQueueError } from '../errors/directory-errors.js'
import { pathOf } from '../files/location.js'
import type { Place } from '../job/job.js'
import { assertQueue } from '../store/level/directory/new-directory.js'
import { LevelStore } from '../store/level/level-store.js'
import { headerLine, jobLine } from './job-lines.js'
import { say } from './printable.js'
import { NoQueueError, UsageError } from './usage-error.js'

const ALL = {
  count: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  age: Number.POSITIVE_INFINITY,
}
const PAGE = 200

/** Runs the command: the jobs go to standard output, how many there were to standard error. */
export async function exportJobs(location: string, { trustDirectory = false }): Promise<void> {
  const directory = pathOf('directory', location)
  await assertQueue(directory, 'exported').catch((error: unknown) => {
    throw error instanceof NotAQueueError ? new NoQueueError(location, error) : error
  })
  const { store } = await LevelStore.open(directory, {
    durability: 'disk',
    retention: { completed: ALL, failed: ALL, cancelled: ALL },
    // Only the application knows how often a job may be tried: none fails here.
    attemptsOf: () => Number.POSITIVE_INFINITY,
    keptInputBytes: 0,
    trustDirectory,
  })
  let count = 0
  async function* lines() {
    yield headerLine(store.tasks())
    let after: Place | undefined
    for (;;) {
      const page = await store.list({ limit: PAGE, ...(after && { after }) })
      for (const job of page) yield jobLine(job, store.task(job.place.lane) ?? '')
      count += page.length
      after = page.at(-1)?.place
      if (!after) return
    }
  }
  try {
    await pipeline(Readable.from(lines()), process.stdout, { end: false }).catch(
      (error: NodeJS.ErrnoException) => {
        throw error.syscall === 'write'
          ? new UsageError(`the jobs could not be written: ${error.message}`)
          : error
      },
    )
  } finally {
    await store.close()
  }
  say(`${count} jobs exported from ${directory}`)
}
