/** What the main thread's code is for. */

/** What is left out. */
export const WAITING = 'waiting'
export const REST = 'the rest of Node.js'

/** The first that matches a frame (its function and its file) says what it is for. */
const AREAS: readonly (readonly [area: string, pattern: RegExp])[] = [
  [WAITING, /^\(idle\)/],
  // The start of the profiler takes some 0.2 s.
  [WAITING, /^dispatch $/],
  ['garbage collection', /^\(garbage collector\)/],
  ['native code without a name (promises, fsync’s return, …)', /^\((program|root)\)/],
  ['the bench itself', /dist\/bench\//],
  ['encoding and decoding values', /dist\/src\/codec\/|cbor-x|node:buffer|node:internal\/buffer/],
  ['handles, promises, events', /dist\/src\/queue\//],
  ['scheduling', /dist\/src\/(scheduler|tasks|job)\//],
  ['waybills and threads', /dist\/src\/pool\//],
  ['messages to threads', /piscina|postMessage|worker\/io|messageport|worker_threads/],
  ['LevelDB’s interface', /classic-level|abstract-level|level-transcoder/],
  ['records, chunks, windows, counts', /dist\/src\/(store|files)\//],
  ['checks and errors', /dist\/src\/errors\//],
]

export function areaOf(functionName: string, url: string): string {
  const frame = `${functionName} ${url}`
  return AREAS.find(([, pattern]) => pattern.test(frame))?.[0] ?? REST
}
