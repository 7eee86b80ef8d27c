/** The garbage collector, for tests of what is let go of. */
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects what is not referenced any more. A WeakRef that was made or read keeps its target until the turn ends. */
export async function collectGarbage(): Promise<void> {
  await setImmediate()
  collect()
}
