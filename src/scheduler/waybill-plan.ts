/** How a waybill is filled from the lanes. */
import type { ResourceLimits } from 'node:worker_threads'
import { WAYBILL_MS } from '../pool/waybill/waybill.js'
import type { Pick, Waiting } from '../store/store.js'
import type { Lane } from './lane.js'

/** A waybill holds at most so many jobs, and so much work, going by what its tasks' jobs took before. Long jobs travel alone. */
const MOST_JOBS = 300
const MOST_BYTES = 4 * 1024 * 1024

/** Jobs that take no longer are claimed ahead: more urgent ones that come in meanwhile wait for so long. */
const SHORT_MS = 20

/** A waybill being filled: answers, job by job, whether one more goes along. */
export class WaybillPlan {
  readonly lanes = new Set<Lane>()
  readonly #laneOf: (lane: number) => Lane | undefined
  readonly #most: number
  #count = 0
  #ms = 0
  #bytes = 0
  #isAlone = false
  #limits = ''
  /** Whether it is claimed before a thread is free for it. */
  readonly isAhead: boolean

  /** At most `most` jobs, so that few jobs are spread over the threads that are free. Ahead of a free thread: short jobs only. */
  constructor(most: number, laneOf: (lane: number) => Lane | undefined, isAhead = false) {
    this.isAhead = isAhead
    this.#most = Math.min(most, MOST_JOBS)
    this.#laneOf = laneOf
  }

  /** Whether its thread will soon be free. */
  get isShort(): boolean {
    return this.#ms <= SHORT_MS
  }

  /** The limits of the threads that may run it. */
  get resourceLimits(): ResourceLimits | undefined {
    const [lane] = this.lanes
    return lane?.config.resourceLimits
  }

  pick({ place, bytes, alone }: Waiting): Pick {
    const lane = this.#laneOf(place.lane)
    if (!lane || !(this.lanes.has(lane) ? !lane.isPaused && !lane.isHeld : lane.isFree)) return 'skip'
    if (this.isAhead && (alone || lane.estimateMs > SHORT_MS)) return 'stop'
    if (this.#count > 0 && !this.#hasRoomFor(lane, bytes, alone)) return 'stop'
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
}
