// Strings long enough for the codec's native part, threads that are ended in the middle of a loop, and a directory opened twice.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JobQueue } from 'millrace'

const directory = await mkdtemp(join(tmpdir(), 'millrace-'))
const module = new URL('./workers/portable.js', import.meta.url)
const workers = Object.fromEntries(['rows', 'refuse', 'spin'].map((name) => [name, { module, export: name }]))
const open = () => JobQueue.open(directory, { workers, maxWorkers: 2 })
const first = await open()
const noted = new Set()
first.on('progress', () => noted.add('progress')).on('log', () => noted.add('log'))

const jobs = await first.enqueueMany(
  'rows',
  Array.from({ length: 100 }, (_, index) => index),
)
const outputs = await Promise.all(jobs.map((job) => job.finished()))
console.log(
  outputs.every((rows, count) => rows.length === count),
  outputs[99].at(-1).name,
)
console.log([...noted].sort().join())

const refused = await first.enqueue('refuse')
console.log(await refused.finished().catch((error) => error.code))
const late = await first.enqueue('spin', undefined, { timeout: 200, attempts: 1 })
console.log(await late.finished().catch((error) => error.cause.code))
const cancelled = await first.enqueue('spin')
first.once('started', () => cancelled.cancel())
console.log(await cancelled.finished().catch((error) => error.code))

await first.enqueue('rows', 3, { delay: 3_600_000 })
await first.close()
const second = await open()
const { delayed, completed, failed } = second.counts()
console.log(delayed, completed, failed)
await second.close()
