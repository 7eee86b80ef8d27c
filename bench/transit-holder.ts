/**
 * Holds jobs in transit until it is killed: `node transit-holder.js <directory> <jobs>`. Says when it has them.
 *
 * It works on the store, as the scheduler does: a queue calls back what its threads have not begun, and so rarely has this
 * many out.
 */
import { encode } from '../src/codec/codec.js'
import { LevelStore } from '../src/store/level/level-store.js'

/** With fewer there would have to be more threads than there can be. */
const WAYBILL = 100
const BATCH = 10_000
const FOREVER = {
  count: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
  age: Number.POSITIVE_INFINITY,
}

const [directory = '', jobs = '0'] = process.argv.slice(2)
const { store } = await LevelStore.open(directory, {
  durability: 'disk',
  retention: { completed: FOREVER, failed: FOREVER, cancelled: FOREVER },
  keptInputBytes: 16_384,
  attemptsOf: () => 3,
})
const lane = store.lane('noop')
for (let added = 0; added < Number(jobs); added += BATCH)
  await store.add(
    Array.from({ length: Math.min(BATCH, Number(jobs) - added) }, (_, index) => ({
      lane,
      priority: 0,
      head: undefined,
      input: encode(added + index, 'input'),
    })),
  )
// The store reads ahead in the background, and says when it has more.
for (let held = 0; held < Number(jobs); ) {
  const more = new Promise<void>((resolve) => {
    store.watch({ runnable: resolve, due() {}, broken: fail })
  })
  let taken = 0
  const claim = store.claim(() => (taken++ < WAYBILL ? 'take' : 'stop'))
  if (claim) {
    await claim.written
    held += claim.jobs.length
  } else await more
}
process.send?.('held')
// The channel keeps it alive.

function fail(error: Error): void {
  throw error
}
