/** Holds what was promised and seen (the facts) against what is left in the directory. Returns what does not fit, in words. */
import { decode } from '../../src/codec/codec.js'
import type { StoredJob } from '../../src/job/job.js'
import { formatId, parseId } from '../../src/job/job-id.js'
import type { Transit } from '../support/inspect.js'
import type { Fact } from './facts.js'

/** What the directory held right after a kill. */
export interface Crash {
  /** The life that was killed. */
  readonly life: number
  readonly transit: readonly Transit[]
}

export interface Accounts {
  readonly facts: readonly Fact[]
  readonly crashes: readonly Crash[]
  /** After the last life. */
  readonly jobs: ReadonlyMap<string, StoredJob>
}

type Of<Is extends Fact['is']> = Extract<Fact, { is: Is }>

export function account(accounts: Accounts): string[] {
  return [
    ...accounts.facts.flatMap((fact) => (fact.is === 'trouble' ? [fact.message] : [])),
    ...checkAcknowledged(accounts),
    ...checkReported(accounts),
    ...checkAttempts(accounts),
    ...checkCharges(accounts),
    ...checkRecovered(accounts),
    ...checkOrder(accounts),
  ]
}

/** Every acknowledged job has reached an outcome, and the right one. */
function* checkAcknowledged({ facts, jobs }: Accounts): Generator<string> {
  for (const { id, n, kind } of only(facts, 'acknowledged')) {
    const job = jobs.get(id)
    if (!job) yield `${id} was acknowledged and is lost`
    else if (job.state === 'completed') {
      const { doubled } = decode(job.body) as { doubled: number }
      if (doubled !== 2 * n) yield `${id} was to give ${2 * n}, it gave ${doubled}`
      if (kind === 'bad' || kind === 'hopeless') yield `${id} is ${kind} and has completed`
    }
  }
  for (const [id, { state }] of jobs)
    if (state === 'waiting' || state === 'delayed') yield `${id} is still ${state}`
}

/** No reported outcome is undone, none is reported twice, nothing runs after it. */
function* checkReported({ facts, jobs }: Accounts): Generator<string> {
  const reported = new Set<string>()
  const over = new Map<string, string>()
  for (const fact of facts) {
    if (fact.is === 'reported') {
      const { id, by, state } = fact
      if (reported.has(id + by)) yield `${id} was reported twice by ${by}`
      reported.add(id + by)
      over.set(id, state)
    } else if (fact.is === 'cancelled') over.set(fact.id, 'cancelled')
    else if (fact.is === 'run' && over.has(fact.id))
      yield `${fact.id} was reported as ${over.get(fact.id)} and ran again`
  }
  for (const [id, state] of over)
    if (jobs.get(id)?.state !== state) yield `${id} was reported as ${state} and is ${jobs.get(id)?.state}`
}

/**
 * Attempts only rise, within the limit. One attempt runs twice at most, in two lives: when it was lost with others of its
 * waybill, and is not charged. (A job that is cancelled may take finished mates with it, whose results were on their way.)
 */
function* checkAttempts({ facts, jobs }: Accounts): Generator<string> {
  const unclear = new Set(only(facts, 'opened').flatMap(({ life, cancels }) => (cancels ? [life] : [])))
  const runs = new Map<string, Of<'run'>[]>()
  for (const run of only(facts, 'run')) {
    const others = runs.get(run.id)
    if (others) others.push(run)
    else runs.set(run.id, [run])
  }
  for (const [id, own] of runs) {
    const limit = jobs.get(id)?.head.attempts ?? 3
    const repeats = own.filter((run, index) => run.attempt === own[index - 1]?.attempt)
    const inOneLife = own.filter(
      (run, index) => run.attempt === own[index - 1]?.attempt && run.life === own[index - 1]?.life,
    )
    if (own.some((run, index) => run.attempt < (own[index - 1]?.attempt ?? 1)))
      yield `${id} ran attempts ${own.map(({ attempt }) => attempt)}`
    if (own.some(({ attempt }) => attempt > limit)) yield `${id} ran more often than ${limit} times`
    if (own.some(({ life }) => unclear.has(life))) continue
    if (inOneLife.length > 0)
      yield `${id} ran attempt ${inOneLife[0]?.attempt} twice in life ${inOneLife[0]?.life}`
    if (repeats.length > 1) yield `${id} was spared more than once: ${JSON.stringify(own)}`
  }
  for (const { id, attempt } of only(facts, 'retrying'))
    if (!runs.get(id)?.some((run) => run.attempt === attempt))
      yield `${id} retries attempt ${attempt}, which never ran`
  for (const [id, { state, head }] of jobs) {
    const failures = head.failures ?? []
    const own = runs.get(id) ?? []
    if (failures.some(({ attempt }, index) => attempt !== index + 1))
      yield `${id} has failed attempts ${failures.map(({ attempt }) => attempt)}`
    for (const { attempt, code, name } of failures)
      if (code !== 'MILLRACE_PROCESS_DIED' && !own.some((run) => run.attempt === attempt))
        yield `${id} failed attempt ${attempt} with ${name}, which never ran`
    if (state === 'completed' && !own.some(({ attempt }) => attempt === head.attempt))
      yield `${id} has completed attempt ${head.attempt}, which never ran`
    if (state === 'completed' && head.attempt !== failures.length + 1)
      yield `${id} has completed attempt ${head.attempt} after ${failures.length} failures`
    const isSpent = failures.length === (head.attempts ?? 3)
    if (state === 'failed' && !isSpent && failures.at(-1)?.code !== 'MILLRACE_UNRECOVERABLE')
      yield `${id} has failed after ${failures.length} of ${head.attempts} attempts`
  }
}

/** A kill is charged to a job that was alone in its waybill, and not claimed ahead, once, and to no other. */
function* checkCharges({ facts, crashes, jobs }: Accounts): Generator<string> {
  // A process that is killed while it opens leaves the same waybill behind once more.
  const charges = new Set<string>()
  for (const [only, ...others] of crashes.flatMap(({ transit }) => transit))
    if (only && !only.isAhead && others.length === 0) charges.add(`${only.id} in attempt ${only.attempt}`)
  for (const [id, { head }] of jobs)
    for (const { attempt, code } of head.failures ?? [])
      if (code === 'MILLRACE_PROCESS_DIED' && !charges.delete(`${id} in attempt ${attempt}`))
        yield `${id} was charged attempt ${attempt}, though it was not lost alone`
  for (const charge of charges) yield `${charge} was lost alone, and is not charged`
  for (const { id, attempt } of only(facts, 'run')) {
    const { head } = jobs.get(id) ?? {}
    if (head?.attempt !== undefined && attempt > head.attempt)
      yield `${id} ran attempt ${attempt} and has ${head.attempt} on its bill`
  }
}

/** Opening says what it found in transit. */
function* checkRecovered({ facts, crashes }: Accounts): Generator<string> {
  const opened = only(facts, 'opened')
  for (const { life, transit } of crashes) {
    const next = opened.find((each) => each.life === life + 1)
    const lost = transit.flat().length
    if (next && next.recovered !== lost)
      yield `life ${life} lost ${lost} jobs in transit, the next one recovered ${next.recovered}`
  }
}

/** With one worker, the jobs of one priority start in the order in which they were enqueued; later what was delayed, or failed. */
function* checkOrder({ facts }: Accounts): Generator<string> {
  const alone = new Set(
    only(facts, 'opened').flatMap(({ life, maxWorkers, cancels }) =>
      maxWorkers === 1 && !cancels ? [life] : [],
    ),
  )
  const inLine = new Set(
    only(facts, 'acknowledged')
      .filter(({ kind, isDelayed }) => (kind === 'plain' || kind === 'slow') && !isDelayed)
      .map(({ id }) => id),
  )
  const last = new Map<string, number>()
  for (const { id, life } of only(facts, 'run')) {
    const place = parseId(id)
    if (!place || !alone.has(life) || !inLine.has(id)) continue
    const line = `priority ${place.priority} of life ${life}`
    if (place.seq < (last.get(line) ?? 0))
      yield `${id} ran after ${formatId({ ...place, seq: last.get(line) ?? 0 })} in ${line}`
    last.set(line, place.seq)
  }
}

function only<Is extends Fact['is']>(facts: readonly Fact[], is: Is): Of<Is>[] {
  return facts.filter((fact): fact is Of<Is> => fact.is === is)
}
