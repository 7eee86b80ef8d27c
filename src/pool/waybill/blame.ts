/**
 * Who is to blame when a thread has ended.
 *
 * An error out of band may stem from the job that runs or from one that is done and whose outcome is still in the thread; an exit
 * from the one that runs. It may also stem from a job that the thread ran before: a timer that it left behind, memory that it kept.
 * So a job is charged only if its thread has run no other. Else the suspects run again, each alone, and are not charged.
 *
 * Where waybills share a thread, its asynchronous context may tell which one threw: that one is charged, the others are no suspects.
 * If it names a job that is over, it proves nothing: jobs can share a connection that an earlier one has opened.
 */
import type { ErrorData } from '../../errors/error-data.js'
import { DONE, isRunning, type SharedState } from './waybill.js'

/** How a thread has ended. */
export interface Death {
  readonly error: ErrorData
  /** It was ended on purpose. */
  readonly isKilled: boolean
  /** Something was thrown that nobody caught. */
  readonly isUncaught: boolean
  /** The thread has run jobs of other waybills before. */
  readonly hasRunOthers: boolean
  /** The number of the waybill that threw, if the thread could tell. */
  readonly culprit?: number | undefined
}

interface Verdict {
  /** The index of the job that is charged. */
  readonly culprit?: number
  /** Those that may have ended it, and must run again alone. */
  readonly suspects: readonly number[]
}

/** `entries` are the jobs of the thread's waybill that have no result, by index. */
export function blame(
  entries: readonly (readonly [index: number, job: unknown])[],
  state: SharedState,
  death: Death,
): Verdict {
  if (death.isKilled) return { suspects: [] }
  const indexes = entries.map(([index]) => index)
  const running = indexes.filter((index) => isRunning(state.stateOf(index)))
  const unsent = indexes.filter((index) => state.stateOf(index) === DONE)
  const suspects = death.isUncaught || running.length === 0 ? [...unsent, ...running] : running
  const [only] = suspects
  if (suspects.length !== 1 || only === undefined) return { suspects }
  const hasRunOthers = death.hasRunOthers || state.hasDoneBeside(only)
  return hasRunOthers ? { suspects } : { culprit: only, suspects: [] }
}

/** The end of a thread as one of its waybills is to see it; `atWork` are those of which a job has started and has no result. */
export function deathFor(
  { number }: { readonly number: number },
  atWork: readonly { readonly number: number }[],
  death: Death,
): Death {
  if (atWork.some((each) => each.number === death.culprit))
    return number === death.culprit ? { ...death, hasRunOthers: false } : { ...death, isKilled: true }
  return atWork.length > 1 ? { ...death, hasRunOthers: true } : death
}
