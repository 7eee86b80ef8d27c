/** What may happen to a store, as data: numbers choose among the jobs that there are at that moment. */
import fc from 'fast-check'
import { FINISHED_STATES, type FinishedState } from '../../src/job/job.js'
import type { Counts, Outcome } from './model.js'

export interface Adding {
  readonly do: 'add'
  /** One by one, in one turn of the event loop. */
  readonly isSingly: boolean
  readonly jobs: readonly {
    readonly lane: number
    readonly priority: number
    readonly attempts: number
    /** 0: now. */
    readonly later: number
    readonly key: string | undefined
  }[]
}

export interface Claiming {
  readonly do: 'claim'
  readonly most: number
  readonly skipped: number | undefined
}

export interface Settling {
  readonly do: 'settle'
  readonly jobs: readonly { readonly which: number; readonly outcome: Outcome; readonly later: number }[]
}

/** A running job saves something for its next attempt. */
export interface Saving {
  readonly do: 'save'
  readonly which: number
}

/** What reads before it writes. */
export type Changing =
  | { readonly do: 'cancel' | 'revive' | 'remove'; readonly which: number }
  | { readonly do: 'promote'; readonly later: number }
  | {
      readonly do: 'clean'
      readonly state: FinishedState
      readonly limit: number
      readonly lane: number | undefined
    }

/** A step that takes effect when it is called. */
export type Direct = Claiming | Saving | Settling | Adding

export type Step =
  | Direct
  | Changing
  | { readonly do: 'prune'; readonly isAllOld: boolean }
  /** All at once. */
  | { readonly do: 'together'; readonly direct: readonly Direct[]; readonly changes: readonly Changing[] }
  | { readonly do: 'reopen' }
  /** The process dies with these still going on, so many turns of the event loop after each was begun. */
  | {
      readonly do: 'crash'
      readonly begun: readonly (Direct | Changing)[]
      readonly turns: readonly number[]
    }

export interface Sequence {
  readonly keep: Counts
  readonly steps: readonly Step[]
}

export const LANES = 3

const lane = fc.nat(LANES - 1)
const anyLane = fc.option(lane, { nil: undefined, freq: 2 })
const later = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 }))
const which = fc.nat(100)

const jobOf = (key: fc.Arbitrary<string | undefined>) =>
  fc.record({
    lane,
    priority: fc.constantFrom(-32_768, -1, 0, 0, 0, 1, 32_767),
    attempts: fc.integer({ min: 1, max: 3 }),
    later,
    key,
  })

const none = fc.constant(undefined)
const someKey = fc.option(fc.constantFrom('k', 'l', 'm'), { nil: undefined, freq: 2 })

const fewOf = (key: fc.Arbitrary<string | undefined>): fc.Arbitrary<Adding> =>
  fc.record({
    do: fc.constant('add'),
    isSingly: fc.constant(false),
    jobs: fc.array(jobOf(key), { minLength: 1, maxLength: 4 }),
  })

/** Enough of one lane and priority to share an entry, with some others among them. */
const crowdOf = (key: fc.Arbitrary<string | undefined>): fc.Arbitrary<Adding> =>
  fc
    .record({
      one: jobOf(none),
      others: fc.array(
        fc.tuple(
          fc.nat(5),
          jobOf(key),
          fc.oneof({ weight: 9, arbitrary: none }, { weight: 1, arbitrary: key }),
        ),
        { minLength: 4, maxLength: 12 },
      ),
    })
    .map(({ one, others }) => ({
      do: 'add',
      isSingly: false,
      jobs: others.map(([chance, other, own]) =>
        chance === 0 ? other : { ...one, later: 0, attempts: other.attempts, key: own },
      ),
    }))

/** What is added one by one has no key and is not delayed. */
const singlyOf = (adding: fc.Arbitrary<Adding>): fc.Arbitrary<Adding> =>
  adding.map(({ jobs }) => ({
    do: 'add',
    isSingly: true,
    jobs: jobs.map((job) => ({ ...job, later: 0, key: undefined })),
  }))

const addOf = (key: fc.Arbitrary<string | undefined>): fc.Arbitrary<Adding> =>
  fc.oneof(
    { weight: 4, arbitrary: fewOf(key) },
    { weight: 3, arbitrary: crowdOf(key) },
    { weight: 2, arbitrary: singlyOf(fc.oneof(fewOf(none), crowdOf(none))) },
  )

const plainAdd = addOf(none)
const keyedAdd = addOf(someKey)

const claim: fc.Arbitrary<Claiming> = fc.record({
  do: fc.constant('claim'),
  most: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(12)),
  skipped: anyLane,
})

const save: fc.Arbitrary<Saving> = fc.record({ do: fc.constant('save'), which })

const outcome = fc.constantFrom<Outcome>('completed', 'failed', 'cancelled', 'retry', 'released', 'alone')

const settleSome: fc.Arbitrary<Settling> = fc.record({
  do: fc.constant('settle'),
  jobs: fc.array(fc.record({ which, outcome, later }), { minLength: 1, maxLength: 8 }),
})

/** Enough that completed jobs share an entry too. */
const complete: fc.Arbitrary<Settling> = fc.record({
  do: fc.constant('settle'),
  jobs: fc.array(
    fc.record({ which: fc.nat(2), outcome: fc.constant<Outcome>('completed'), later: fc.constant(0) }),
    { minLength: 4, maxLength: 9 },
  ),
})

const settle = fc.oneof(settleSome, complete)

const changeOne: fc.Arbitrary<Changing> = fc.record({
  do: fc.constantFrom('cancel', 'revive', 'remove'),
  which,
})

const change: fc.Arbitrary<Changing> = fc.oneof(
  { weight: 2, arbitrary: changeOne },
  fc.record({ do: fc.constant('promote'), later: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    do: fc.constant('clean'),
    state: fc.constantFrom(...FINISHED_STATES),
    limit: fc.nat(3),
    lane: anyLane,
  }),
)

// What waits because of a step that has not ended cannot be claimed yet: so a claim comes first.
const direct: fc.Arbitrary<readonly Direct[]> = fc
  .tuple(fc.array(claim, { maxLength: 1 }), fc.array(fc.oneof(settle, save, plainAdd), { maxLength: 3 }))
  .map(([claims, others]) => [...claims, ...others])

// Promoting and cleaning would see what is begun with them, or not: that is for the disk to say.
const together: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('together'),
  direct: fc.array(fc.oneof(settle, save, plainAdd), { maxLength: 3 }),
  changes: fc.array(changeOne, { maxLength: 4 }),
})

const crash: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('crash'),
  begun: fc.oneof(
    { weight: 3, arbitrary: direct },
    fc.oneof(change, keyedAdd).map((step) => [step]),
  ),
  turns: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: keyedAdd },
  { weight: 6, arbitrary: claim },
  { weight: 6, arbitrary: settle },
  { weight: 4, arbitrary: save },
  { weight: 6, arbitrary: change },
  { weight: 3, arbitrary: together },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune'), isAllOld: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'reopen' }) },
  { weight: 1, arbitrary: crash },
)

const kept = fc.constantFrom(0, 1, 3, 1000)

export const sequence: fc.Arbitrary<Sequence> = fc.record({
  keep: fc.record({ completed: kept, failed: kept, cancelled: kept }),
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
})
