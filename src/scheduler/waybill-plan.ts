/**
 * How a waybill is filled from the lanes.
 *
 * Jobs that share a thread travel alone. A task's jobs fill the threads that they share before they take another one. While no
 * thread is free they may overtake jobs of other tasks that wait for one: not more urgent ones, and only so many as fill a thread.
 * So a thread that is shared becomes free for the others too.
 */
import type { ResourceLimits } from 'node:worker_threads'
import type { SharedThread } from '../pool/group/shared-thread.js'
import { WAYBILL_MS } from '../pool/waybill/waybill.js'
import type { Pick, Waiting } from '../store/store.js'
import type { Lane } from './lanes/lane.js'

/** A waybill holds at most so many jobs, and so much work, going by what its tasks' jobs took before. Long jobs travel alone. */
const MOST_JOBS = 300
const MOST_BYTES = 4 * 1024 * 1024

/** Jobs that take no longer are claimed ahead: more urgent ones that come in meanwhile wait for so long. */
const SHORT_MS = 20

/** What a waybill is for: a free thread, one that will soon be free, or one that jobs share already. */
export type PlanFor = 'free' | 'ahead' | 'shared'

/** A waybill being filled: answers, job by job, whether one more goes along. */
export class WaybillPlan {
  readonly lanes = new Set<Lane>()
  /** The thread that its job shares with others. */
  sharedThread: SharedThread | undefined = undefined
  readonly #laneOf: (lane: number) => Lane | undefined
  readonly #most: number
  readonly #planFor: PlanFor
  #count = 0
  #ms = 0
  #bytes = 0
  #isAlone = false
  #limits = ''
  /** The priority of the first job that waits for a free thread and was passed over. */
  #overtaken: number | undefined = undefined

  /** At most `most` jobs, so that few jobs are spread over the threads that are free. Ahead of a free thread: short jobs only. */
  constructor(most: number, laneOf: (lane: number) => Lane | undefined, planFor: PlanFor = 'free') {
    this.#planFor = planFor
    this.#most = Math.min(most, MOST_JOBS)
    this.#laneOf = laneOf
  }

  /** Whether it is claimed before a thread is free for it. */
  get isAhead(): boolean {
    return this.#planFor === 'ahead'
  }

  /** Whether its thread will soon be free. */
  get isShort(): boolean {
    return this.#ms <= SHORT_MS && this.sharedThread === undefined
  }

  /** Whether it is unknown, when the process dies, if its job is to blame: it may not have run, or others ran beside it. */
  get isInDoubt(): boolean {
    return this.isAhead || this.sharedThread !== undefined
  }

  /** The limits of the threads that may run it. */
  get resourceLimits(): ResourceLimits | undefined {
    const [lane] = this.lanes
    return lane?.config.resourceLimits
  }

  pick(candidate: Waiting): Pick {
    const { place, bytes, alone } = candidate
    const lane = this.#laneOf(place.lane)
    // There may be many of these. No task gets a worker while the queue is open.
    if (!lane || lane.isPaused) return 'hold'
    if (!(this.lanes.has(lane) ? !lane.isHeld : lane.isFree)) return 'skip'
    if (lane.isSharing && !alone) return this.#pickSharing(lane, candidate)
    if (this.#planFor === 'shared') return this.#passOver(candidate)
    if (this.isAhead && (alone || lane.estimateMs > SHORT_MS)) return 'stop'
    if (this.#count > 0 && !this.#hasRoomFor(lane, bytes, alone)) return 'stop'
    return this.#take(lane, candidate)
  }

  #take(lane: Lane, { bytes, alone }: Waiting): Pick {
    this.#limits = lane.limits
    this.#isAlone = alone
    this.#count++
    this.#ms += lane.estimateMs
    this.#bytes += bytes
    this.lanes.add(lane)
    return 'take'
  }

  #hasRoomFor(lane: Lane, bytes: number, alone: boolean): boolean {
    return (
      !alone &&
      !this.#isAlone &&
      lane.limits === this.#limits &&
      this.#count < this.#most &&
      this.#ms + lane.estimateMs <= WAYBILL_MS &&
      this.#bytes + bytes <= MOST_BYTES
    )
  }

  #pickSharing(lane: Lane, candidate: Waiting): Pick {
    if (this.#count > 0) return 'stop'
    const joined = lane.threadWithRoom
    if (!joined && this.#planFor !== 'free') return this.#passOver(candidate)
    if (this.#overtaken !== undefined) {
      if (candidate.place.priority > this.#overtaken) return 'stop'
      if (lane.overtaking === 0) return 'skip'
      lane.overtaking--
    }
    this.sharedThread = joined ?? lane.share()
    this.#take(lane, candidate)
    this.#isAlone = true
    return 'take'
  }

  /** The job waits for a free thread. */
  #passOver({ place }: Waiting): Pick {
    if (this.isAhead) return 'stop'
    this.#overtaken ??= place.priority
    return 'skip'
  }
}
