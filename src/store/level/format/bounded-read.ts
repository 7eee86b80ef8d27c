/** Reads of a part of an ordered key range, bounded in number and in bytes. */
import type { Database, Snapshot } from '../group-commit.js'

/** How much is read: up to so many entries, and not much more than so many bytes. */
export interface Limit {
  readonly entries: number
  readonly bytes: number
}

/** What a read brought; `isLast` if it came to the end of the range. */
export interface Read<E> {
  readonly entries: E[]
  readonly isLast: boolean
}

/** Reads a range's first entries, up to a number and about so many bytes. */
export async function readEntries(
  db: Database,
  range: { gte?: Buffer | undefined; gt?: Buffer; lt: Buffer },
  limit: Limit,
  snapshot?: Snapshot,
): Promise<Read<[Buffer, Buffer]>> {
  const { gte, gt, lt } = range
  const iterator = db.iterator({
    ...(gt ? { gt } : gte && { gte }),
    lt,
    ...(snapshot && { snapshot }),
    fillCache: false,
    highWaterMarkBytes: 1 << 20,
  })
  try {
    const entries: [Buffer, Buffer][] = []
    let bytes = 0
    while (entries.length < limit.entries && bytes < limit.bytes) {
      const more = await iterator.nextv(Math.min(limit.entries - entries.length, 1000))
      if (more.length === 0) return { entries, isLast: true }
      for (const entry of more) {
        entries.push(entry)
        bytes += entry[1].byteLength
      }
    }
    return { entries, isLast: false }
  } finally {
    await iterator.close()
  }
}
