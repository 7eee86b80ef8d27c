/** What large inputs cost. */
import type { Question, Run } from '../question.js'
import { levelKey, NOOP, openLevel, openPiscina, openQueue, pipeline, rateOf } from '../subject.js'

const BYTES = 1_000_000
const WIDTH = 8
const jobsOf = ({ quick }: Run) => (quick ? 20 : 1000)

const question: Question = {
  title: 'Inputs of 1 MB',
  how: `Jobs per second that do nothing with 1,000,000 random bytes, ${WIDTH} unfinished at any moment, durable to disk. Next to what
cannot be done without: a synced LevelDB put of the bytes, raw Piscina with the bytes transferred, a LevelDB delete.`,
  unit: 'jobs/s',
  digits: 1,
  better: 'more',
  rows: [
    {
      name: 'LevelDB put, raw Piscina, LevelDB delete',
      async measure(run) {
        const pool = openPiscina(NOOP)
        const db = await openLevel(run.directory)
        const rate = await rateOf(jobsOf(run), (count) =>
          pipeline(count, WIDTH, async (index) => {
            const key = levelKey(index)
            const bytes = randomBytes()
            await db.put(key, bytes, { sync: true })
            await pool.run(bytes, { transferList: [bytes.buffer] })
            await db.del(key)
          }),
        )
        await pool.destroy()
        await db.close()
        return rate
      },
    },
    {
      name: 'millrace',
      against: 'LevelDB put, raw Piscina, LevelDB delete',
      target: { atLeast: 0.8 },
      async measure(run) {
        const queue = await openQueue(run.directory)
        const rate = await rateOf(jobsOf(run), (count) =>
          pipeline(count, WIDTH, async () => (await queue.enqueue('noop', randomBytes())).finished()),
        )
        await queue.close()
        return rate
      },
    },
  ],
}
export default question

const noise = crypto.getRandomValues(new Uint8Array(65_536))

/** Bytes of their own for each job, cheaply made and not compressible. */
function randomBytes(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BYTES)
  for (let at = 0; at < BYTES; at += noise.length)
    bytes.set(noise.subarray(0, Math.min(noise.length, BYTES - at)), at)
  return bytes
}
