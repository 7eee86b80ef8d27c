/** A flood of large jobs: inputs and outputs of 50 MB, several at once, each checked by its digest at the other side. */
import type { Flood } from './flood.js'
import { Side } from './side.js'
import type { LargeOutput } from './tasks.js'

const BYTES = 50_000_000
const AT_ONCE = 4
/** How many copies of its input or output a job may take on its way, the application's included. */
const COPIES = 20

export const large: Flood = {
  size: { long: 20, short: 1 },
  mostMegabytes: (size) => 300 + (Math.min(size, AT_ONCE) * COPIES * BYTES) / 1e6,
  async run({ size, chance, tally, open }) {
    const queue = await open({ keep: { completed: { count: 2 } } })
    const side = new Side()
    const arrived = new Map<number, (output: LargeOutput) => void>()
    queue.on('completed', (job) => {
      const output = job.output as LargeOutput
      tally.complete(output.run)
      arrived.get(output.run[0])?.(output)
    })
    let next = 0
    const line = async () => {
      while (next < size) {
        const n = next++
        const input = await side.make(BYTES, chance.below(2 ** 32))
        const completed = new Promise<LargeOutput>((resolve) => {
          arrived.set(n, resolve)
        })
        await queue.enqueue('large', { n, bytes: input.bytes, outputBytes: BYTES })
        tally.acknowledge(n)
        const output = await completed
        if (output.inputDigest !== input.digest) tally.problem(`the input of job ${n} arrived otherwise`)
        if (output.bytes.length !== BYTES || (await side.look(output.bytes)) !== output.digest)
          tally.problem(`the output of job ${n} arrived otherwise`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, line))
    await queue.idle()
    await queue.close()
    await side.end()
  },
}
