// Precompresses the text files of a folder with Brotli at its best quality, on all cores.
//
//   node examples/precompress.js [source = node_modules] [target = precompressed]
//
// Kill it at any moment, in whatever way, and run it again: it goes on where it stopped. What is still to be done is kept in
// .millrace/precompress until all of it is done.
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { SingleBar } from 'cli-progress'
import { closeOnSignals, JobQueue } from 'millrace'

const TEXT = new Set([
  '.cjs',
  '.css',
  '.html',
  '.js',
  '.json',
  '.map',
  '.md',
  '.mjs',
  '.svg',
  '.ts',
  '.txt',
  '.yml',
])
const [source = 'node_modules', target = 'precompressed'] = process.argv.slice(2)

/** @type {JobQueue<{ brotli: typeof import('millrace/workers/brotli') }>} */
const queue = await JobQueue.open(join('.millrace', 'precompress'), {
  workers: { brotli: new URL(import.meta.resolve('millrace/workers/brotli')) },
  // All results are kept until the last one is there, so that none is computed twice. What fails, be it that a kill cost it its
  // last attempt, is forgotten, so that the next run tries it anew.
  keep: { completed: { count: Infinity, age: Infinity }, failed: { count: 0 } },
})
closeOnSignals(queue)
const done = queue.counts().completed
const { waiting, returned } = queue.recovered
if (waiting + done > 0)
  console.log(`Restored ${waiting} jobs (${returned} of them were running); ${done} were done before.`)

const openedAt = new Date()
/** In bytes: what this run has to compress (`undefined` until it is known), and what it has compressed. */
const amount = { toDo: undefined, done: 0 }
queue.on('completed', (job) => {
  amount.done += job.output?.bytesIn ?? 0
})

const found = await textFiles(source)
const files = found.map(({ file }) => ({ file, output: join(target, `${file}.br`) }))
const progress = new SingleBar({
  format:
    '{bar} {percentage}% | {value} of {total} files | {running} running | {duration_formatted}, {left} left',
  noTTYOutput: true,
  notTTYSchedule: 5000,
})
let busiest = 0
queue.on('updated', () => {
  busiest = Math.max(busiest, queue.numWorkers)
  progress.update(queue.counts().completed, { running: queue.numWorkers, left: timeLeft() })
})
queue.on('failed', (job) => console.error(`\n${job.input?.file}: ${job.failures.at(-1)?.message}`))

progress.start(files.length, done, { running: 0, left: '?' })
const jobs = await queue.enqueueMany('brotli', files, ({ file }) => ({ key: file }))
const isDone = jobs.map(({ finishedAt }) => finishedAt !== undefined && finishedAt < openedAt)
amount.toDo = found.reduce((sum, { bytes }, index) => (isDone[index] ? sum : sum + bytes), 0)
await queue.idle()
progress.update(queue.counts().completed, { running: 0, left: '0 s' })
progress.stop()

const outcomes = await Promise.allSettled(jobs.map((job) => job.finished()))
const sizes = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
const bytesIn = sizes.reduce((sum, size) => sum + size.bytesIn, 0)
const bytesOut = sizes.reduce((sum, size) => sum + size.bytesOut, 0)
const seconds = secondsSinceStart()
const { user, system } = process.cpuUsage()
console.log(
  `${sizes.length} files, ${megabytes(bytesIn)} to ${megabytes(bytesOut)} in ${target}/. ` +
    `This run: ${seconds.toFixed(1)} s, ${Math.round((user + system) / 1e4 / seconds)} % CPU, ${busiest} threads.`,
)
if (sizes.length < jobs.length) process.exitCode = 1
// The next run starts anew.
else await queue.clean()
await queue.close()

/** By the bytes, for some files take a thousand times as long as others. From too few bytes, or seconds, it would jump about. */
function timeLeft() {
  const { toDo, done } = amount
  const seconds = secondsSinceStart()
  if (toDo === undefined || seconds < 5 || done < toDo / 20) return '?'
  const left = Math.ceil((seconds * Math.max(0, toDo - done)) / done)
  return left < 100 ? `${left} s` : `${Math.ceil(left / 60)} min`
}

function secondsSinceStart() {
  return (Date.now() - openedAt.getTime()) / 1000
}

/**
 * The text files in a folder, and how many bytes they have.
 *
 * @param {string} folder
 */
async function textFiles(folder) {
  const names = await readdir(folder, { recursive: true })
  const text = names.filter((name) => TEXT.has(extname(name))).map((name) => join(folder, name))
  const stats = await Promise.all(text.sort().map(async (file) => ({ file, stat: await stat(file) })))
  return stats.filter(({ stat }) => stat.isFile()).map(({ file, stat }) => ({ file, bytes: stat.size }))
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
