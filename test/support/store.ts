/** Stores on temporary directories: opened, closed and opened again, or left behind as if their process had died. */
import { cpSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import type { FinishedState, Head, Place } from '../../src/job/job.js'
import { LevelStore } from '../../src/store/level/level-store.js'
import type { Claim, Claimed, Keep, NewJob, Recovered, Store } from '../../src/store/store.js'
import { temporaryDirectory } from './directory.js'

/** What a test may set of a store. By default everything is kept, and each job is tried three times. */
export interface StoreOptions {
  readonly keep?: Partial<Record<FinishedState, Partial<Keep>>>
  readonly attempts?: number
  /** The largest input that is kept with a completed job. Default 100 bytes. */
  readonly keptInputBytes?: number
}

/** How a test opens stores of one engine. */
export type OpenStore = (t: TestContext, options?: StoreOptions) => Promise<OpenedStore>

export interface OpenedStore {
  readonly store: Store
  readonly recovered: Recovered
  /** Closes the store and opens it again. */
  reopen(options?: StoreOptions): Promise<OpenedStore>
  /** Opens what a process that dies now leaves behind. */
  crash(options?: StoreOptions): Promise<OpenedStore>
}

/** Opens a LevelStore in a new directory; it is closed when the test ends. */
export async function openLevelStore(t: TestContext, options: StoreOptions = {}): Promise<OpenedStore> {
  return openIn(t, await temporaryDirectory(t), options)
}

async function openIn(t: TestContext, directory: string, options: StoreOptions): Promise<OpenedStore> {
  const { store, recovered } = await LevelStore.open(directory, levelOptions(options))
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= store.close()
    return closed
  }
  t.after(close)
  return {
    store,
    recovered,
    async reopen(again = options) {
      await close()
      return openIn(t, directory, again)
    },
    async crash(again = options) {
      const copy = copyOf(directory)
      t.after(() => rm(copy, { recursive: true, force: true, maxRetries: 5 }))
      await close()
      return openIn(t, copy, again)
    },
  }
}

export function levelOptions({ keep = {}, attempts = 3, keptInputBytes = 100 }: StoreOptions) {
  const of = (state: FinishedState): Keep => ({
    count: Number.POSITIVE_INFINITY,
    bytes: Number.POSITIVE_INFINITY,
    age: Number.POSITIVE_INFINITY,
    ...keep[state],
  })
  return {
    durability: 'process',
    keptInputBytes,
    retention: { completed: of('completed'), failed: of('failed'), cancelled: of('cancelled') },
    attemptsOf: (_task: string | undefined, { attempts: own = attempts, granted = 0 }: Readonly<Head>) =>
      own + granted,
  } as const
}

let copies = 0

/** Copies a directory in one turn of the event loop: what its process would leave behind if it died now. */
export function copyOf(directory: string): string {
  const copy = `${directory}-copy-${++copies}`
  cpSync(directory, copy, { recursive: true })
  return copy
}

/** A job for `add`, whose input is a text. */
export function newJob(
  lane: number,
  text: string,
  { priority = 0, ...head }: Head & { priority?: number } = {},
) {
  const own = Object.keys(head).length > 0 ? head : undefined
  return { lane, priority, head: own, input: Buffer.from(text) } satisfies NewJob
}

/** Claims up to so many jobs as one waybill, as they come, and waits until that is durable. */
export async function claimNext(store: Store, most = Number.POSITIVE_INFINITY): Promise<readonly Claimed[]> {
  const claim = claimSome(store, most)
  await claim?.written
  return claim?.jobs ?? []
}

export function claimSome(store: Store, most = Number.POSITIVE_INFINITY): Claim | undefined {
  let taken = 0
  return store.claim(() => (taken++ < most ? 'take' : 'stop'))
}

/** Cancels a job that does not run. */
export function cancel(store: Store, place: Place): Promise<boolean> {
  return store.changeOne(place, { verb: 'cancel' })
}

/** Sends a job that does not run to the backlog, with so many attempts granted. */
export function revive(store: Store, place: Place, attempts: number): Promise<boolean> {
  return store.changeOne(place, { verb: 'revive', attemptsOf: () => attempts })
}

/** Deletes a job that does not run. */
export function remove(store: Store, place: Place): Promise<boolean> {
  return store.changeOne(place, { verb: 'remove' })
}

/** The job's text: its input, or the output of a completed one. */
export function textOf(job: { input: Uint8Array } | { body: Uint8Array }): string {
  return Buffer.from('body' in job ? job.body : job.input).toString()
}

/** A job's history and options; an attempt of 0 goes without saying. */
export function historyOf(job: { head: Readonly<Head> } | undefined): Head {
  const { attempt = 0, ...rest } = job?.head ?? {}
  return attempt > 0 ? { attempt, ...rest } : rest
}

/** The texts of what waits, in the order in which it is shown, leaving it where it is. */
export async function waitingTexts(store: Store): Promise<string[]> {
  const jobs = await claimNext(store)
  await store.settle(jobs.map((job) => ({ outcome: 'released', job })))
  return jobs.map(textOf)
}

/** The store as it is, then as a crash leaves it. */
export async function* nowAndAfterCrash(opened: OpenedStore): AsyncGenerator<OpenedStore> {
  yield opened
  yield await opened.crash()
}
