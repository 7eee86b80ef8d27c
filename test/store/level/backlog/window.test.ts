import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BYTE_ORDER, Window, type WindowSource } from '../../../../src/store/level/backlog/window.js'
import type { Read } from '../../../../src/store/level/format/bounded-read.js'

interface Item {
  readonly key: Buffer
  readonly bytes: number
  readonly rank: number
}

const CAPACITY = 4
const MAX_BYTES = 40

/** What may happen to a range and its window. Numbers choose among what there is at that moment. */
type Step =
  | { do: 'insert'; rank: number; bytes: number }
  | { do: 'take' }
  | { do: Change; which: number }
  | { do: 'look' | 'deliver' }

type Change = 'finish' | 'return' | 'remove' | 'withhold' | 'drop' | 'readmit'

const chosen = fc
  .tuple(fc.constantFrom<Change>('finish', 'return', 'remove', 'withhold', 'drop', 'readmit'), fc.nat(50))
  .map(([action, which]): Step => ({ do: action, which }))
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }))
        .map(([rank, bytes]): Step => ({ do: 'insert', rank, bytes })),
    },
    { weight: 6, arbitrary: fc.constant<Step>({ do: 'take' }) },
    { weight: 5, arbitrary: chosen },
    { weight: 3, arbitrary: fc.constantFrom<Step>({ do: 'look' }, { do: 'deliver' }) },
  ),
  { maxLength: 120, size: 'max' },
)

test('whatever joins, leaves and is read meanwhile, a window holds the first free entries of its range', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.array(fc.nat(60), { maxLength: 20 }), async (all, stored) => {
      const range = new Range(stored)
      void range.window.fill()
      for (const step of all) {
        range.apply(step)
        await settle()
        range.check()
      }
      await range.drain()
    }),
    { numRuns: 500 },
  )
})

test('a window that covers its range reads nothing', async () => {
  const range = new Range([])
  for (let rank = 0; rank < 2 * CAPACITY; rank++) range.apply({ do: 'insert', rank, bytes: 1 })
  while (range.window.take());
  assert.equal(range.reads, 0)
})

test('a window fills itself as it empties, and reads no more than the range has pages', async () => {
  const range = new Range(Array.from({ length: 400 }, (_, rank) => rank))
  void range.window.fill()
  await range.drain()
  assert.ok(range.reads <= 400 / (CAPACITY / 2) + 1, `${range.reads} reads`)
})

test('a window of large entries is as full as its bytes allow', async () => {
  const range = new Range(Array.from({ length: 100 }, (_, rank) => 19 + 20 * rank))
  void range.window.fill()
  for (let turn = 0; turn < 50; turn++) {
    range.apply({ do: turn % 2 ? 'deliver' : 'look' })
    await settle()
    range.check()
  }
  assert.equal(range.window.length, MAX_BYTES / 20)
  await range.drain()
})

test('one entry larger than the window’s bytes gets through', async () => {
  const range = new Range([])
  for (const rank of [1, 2, 3]) range.apply({ do: 'insert', rank, bytes: 10 * MAX_BYTES })
  range.check()
  await range.drain()
})

test('a read that fails is told to the source', async () => {
  const told: unknown[] = []
  const broken = new Error('no disk')
  const source: WindowSource<Item> = {
    order: BYTE_ORDER,
    read: () => Promise.reject(broken),
    between: (look) => look(),
    isFree: () => true,
    filled: () => assert.fail('not filled'),
    failed: (error) => told.push(error),
  }
  const window = new Window(source, CAPACITY, MAX_BYTES)
  for (let rank = 0; rank <= 2 * CAPACITY; rank++) window.insert(item(rank, 1))
  while (window.take());
  await settle()
  assert.deepEqual(told, [broken])
})

/** A range on a disk that is slow: looks and reads are answered when the test says so. And which entries are free. */
class Range implements WindowSource<Item> {
  readonly order = BYTE_ORDER
  readonly window = new Window<Item>(this, CAPACITY, MAX_BYTES)
  reads = 0
  readonly #stored = new Map<number, Item>()
  readonly #taken: Item[] = []
  readonly #withheld: Item[] = []
  readonly #looks: (() => void)[] = []
  readonly #answers: (() => void)[] = []

  constructor(stored: readonly number[]) {
    for (const rank of stored) this.#stored.set(rank, item(rank, 1 + (rank % 20)))
  }

  between(look: () => void): void {
    this.#looks.push(look)
  }

  read(after: Buffer | undefined, limit: { entries: number; bytes: number }): Promise<Read<Item>> {
    this.reads++
    const rest = this.#sorted().filter(({ key }) => !after || key.compare(after) > 0)
    let bytes = 0
    const entries = rest.slice(0, limit.entries).filter((entry) => {
      const fits = bytes < limit.bytes
      bytes += entry.bytes
      return fits
    })
    return new Promise((resolve) => {
      this.#answers.push(() => resolve({ entries, isLast: entries.length === rest.length }))
    })
  }

  isFree(entry: Item): boolean {
    return ![...this.#taken, ...this.#withheld].some(({ rank }) => rank === entry.rank)
  }

  filled(): void {}

  failed(error: unknown): void {
    throw error
  }

  apply(step: Step): void {
    if (step.do === 'insert') {
      if (this.#stored.has(step.rank)) return
      const entry = item(step.rank, step.bytes)
      this.#stored.set(step.rank, entry)
      this.window.insert(entry)
    } else if (step.do === 'take') {
      const entry = this.window.take()
      if (entry) this.#taken.push(entry)
    } else if (step.do === 'look') this.#looks.shift()?.()
    else if (step.do === 'deliver') this.#answers.shift()?.()
    else if ('which' in step) this.#change(step.do, step.which)
  }

  /** Each of these is what the store does once its write is done. */
  #change(action: Change, which: number): void {
    if (action === 'finish' || action === 'return') {
      const entry = pick(this.#taken, which)
      if (!entry) return
      if (action === 'return') this.window.insert(entry)
      else {
        this.#stored.delete(entry.rank)
        this.window.forget(entry.key)
      }
    } else if (action === 'drop' || action === 'readmit') {
      const entry = pick(this.#withheld, which)
      if (!entry) return
      if (action === 'readmit') this.window.insert(entry)
      else {
        this.#stored.delete(entry.rank)
        this.window.forget(entry.key)
      }
    } else {
      const entry = pick(this.#free(), which)
      if (!entry) return
      if (action === 'withhold') this.#withheld.push(entry)
      else this.#stored.delete(entry.rank)
      this.window.remove(entry.key)
    }
  }

  check(): void {
    const free = this.#free()
    const held = [...this.window]
    const ranks = held.map(({ rank }) => rank)
    assert.deepEqual(
      ranks,
      free.slice(0, held.length).map(({ rank }) => rank),
    )
    assert.equal(this.window.length, held.length)
    assert.ok(held.length <= 2 * CAPACITY)
    assert.ok(held.length <= 1 || held.reduce((sum, { bytes }) => sum + bytes, 0) <= 2 * MAX_BYTES)
    if (held.length === 0 && free.length > 0)
      assert.ok(this.#looks.length + this.#answers.length > 0, 'empty, and nothing is being read')
  }

  /** Answers everything and takes everything: all that was free comes, in order. */
  async drain(): Promise<void> {
    const expected = this.#free().map(({ rank }) => rank)
    const ranks: number[] = []
    while (ranks.length < expected.length) {
      for (const look of this.#looks.splice(0)) look()
      for (const answer of this.#answers.splice(0)) answer()
      await settle()
      this.check()
      for (let entry = this.window.take(); entry; entry = this.window.take()) {
        this.#taken.push(entry)
        ranks.push(entry.rank)
      }
    }
    assert.deepEqual(ranks, expected)
  }

  #sorted(): Item[] {
    return [...this.#stored.values()].sort((a, b) => a.rank - b.rank)
  }

  #free(): Item[] {
    return this.#sorted().filter((entry) => this.isFree(entry))
  }
}

function item(rank: number, bytes: number): Item {
  const key = Buffer.alloc(2)
  key.writeUInt16BE(rank)
  return { key, bytes, rank }
}

function pick(items: Item[], which: number): Item | undefined {
  return items.length > 0 ? items.splice(which % items.length, 1)[0] : undefined
}

/** Lets promises that are fulfilled be heard. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve()
}
