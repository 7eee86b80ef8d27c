/** What is still referenced: memory after a garbage collection. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Lets the collector take what nothing refers to: not before the turn ends in which it was last used. */
export async function collectAll(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
}

/** How many bytes of buffers this thread refers to. */
export async function referencedBytes(): Promise<number> {
  await collectAll()
  return process.memoryUsage().arrayBuffers
}
