/** Sleeps without using the CPU, in place of work where there are more threads than cores. Says which thread it was. */
import { threadId } from 'node:worker_threads'

export default function nap(ms: number): number {
  Atomics.wait(NEVER, 0, 0, ms)
  return threadId
}

/** Nobody wakes it. */
const NEVER = new Int32Array(new SharedArrayBuffer(4))
