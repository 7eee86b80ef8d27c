/** `millrace import`: makes a new directory from the lines that `millrace export` has written. */
import { constants } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { pathOf } from '../files/location.js'
import type { StoredJob } from '../job/job.js'
import { importJobs } from '../store/level/transfer/import.js'
import { jobOn, tasksIn } from './job-lines.js'
import { type Line, linesOf } from './run/lines.js'
import { UsageError } from './usage-error.js'

export interface ImportOptions {
  readonly inputFile?: string
  readonly trustDirectory?: boolean
}

/** Runs the command: how many jobs there are now in each state goes to standard output, as JSON. */
export async function importLines(
  location: string,
  { inputFile, trustDirectory = false }: ImportOptions,
): Promise<void> {
  const directory = pathOf('directory', location)
  const lines = readLines(inputFile)
  const first = await lines.next()
  const tasks = tasksIn(first.done ? '' : String(first.value.bytes ?? ''))
  async function* jobs(): AsyncGenerator<StoredJob> {
    for await (const { bytes, number } of lines) {
      if (!bytes) throw new UsageError(`line ${number} is longer than ${constants.MAX_STRING_LENGTH} bytes`)
      if (bytes.length > 0) yield jobOn(String(bytes), number, tasks)
    }
  }
  const counts = await importJobs(directory, { tasks, jobs: jobs() }, { trustDirectory })
  console.log(JSON.stringify({ jobs: counts }))
}

/** @throws {UsageError} they cannot be read. */
async function* readLines(file: string | undefined): AsyncGenerator<Line> {
  const pieces = linesOf(
    file === undefined ? process.stdin : createReadStream(file),
    constants.MAX_STRING_LENGTH,
  )
  for (;;) {
    const piece = await pieces.next().catch((error: Error) => {
      throw new UsageError(`the jobs cannot be read: ${error.message}`)
    })
    if (piece.done) return
    yield* piece.value
  }
}
