/**
 * What a job reports, on its way out of its thread: progress and lines of its log.
 *
 * ```
 *  reported ──there is credit──▶ sent
 *      └──none──▶ held, with what comes meanwhile ──credit again, or the job ends──▶ sent
 * ```
 *
 * Of progress only the newest value is held, of a log its newest lines; how many others there were is sent with them. A timer
 * sends what is held. It cannot fire while synchronous code runs: there the next report does. So a few reports at once are
 * always sent at once, and only a flood is held back.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { encode } from '../../codec/codec.js'
import { firstKept } from '../../job/notes.js'
import type { Said } from '../said.js'
import { monotonicMs } from '../waybill/waybill.js'

/** How often reports are sent in the long run. */
const INTERVAL_MS = 20
/** How many are sent at once before that. */
const PROGRESS_AT_ONCE = 5
const LINES_AT_ONCE = 200

/** Of a log so much is held, in lines and in characters. */
const HELD_LINES = 1000
const HELD_CHARACTERS = 65_536
/** A longer line is cut. */
const LINE_CHARACTERS = 4096
/** A larger progress value is refused. */
const PROGRESS_LIMIT = { bytes: 65_536 }

type Report = Said extends infer Each ? (Each extends Said ? Omit<Each, 'index'> : never) : never

export class JobReports {
  readonly #send: (report: Report) => void
  readonly #progressPace = new Pace(PROGRESS_AT_ONCE)
  readonly #logPace = new Pace(LINES_AT_ONCE)
  #progress: Uint8Array | undefined
  #lines: string[] = []
  #characters = 0
  #dropped = 0
  #timer: NodeJS.Timeout | undefined

  constructor(send: (report: Report) => void) {
    this.#send = send
  }

  /** @throws {ValueError} @throws {TooLargeError} the value cannot be sent. */
  progress(value: unknown): void {
    this.#progress = new Uint8Array(encode(value, 'progress', PROGRESS_LIMIT))
    if (this.#progressPace.allows()) this.#sendProgress()
    else this.#hold()
  }

  log(text: unknown): void {
    const line = lineOf(String(text))
    this.#lines.push(line)
    this.#characters += line.length
    if (this.#lines.length > 2 * HELD_LINES || this.#characters > 2 * HELD_CHARACTERS) this.#dropLines()
    if (this.#logPace.allows()) this.#sendLog()
    else this.#hold()
  }

  /** Sends what is held. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#progress) this.#sendProgress()
    if (this.#lines.length > 0) this.#sendLog()
  }

  #hold(): void {
    this.#timer ??= setTimeout(() => this.flush(), INTERVAL_MS)
  }

  #sendProgress(): void {
    const progress = this.#progress
    this.#progress = undefined
    if (progress) this.#send({ progress })
  }

  #sendLog(): void {
    this.#dropLines()
    const log = { lines: this.#lines, dropped: this.#dropped }
    this.#lines = []
    this.#characters = this.#dropped = 0
    this.#send({ log })
  }

  /** Keeps the newest lines. */
  #dropLines(): void {
    const first = firstKept(this.#lines, HELD_LINES, HELD_CHARACTERS)
    if (first === 0) return
    this.#lines.splice(0, first)
    this.#dropped += first
    this.#characters = this.#lines.reduce((sum, { length }) => sum + length, 0)
  }
}

/** Allows a number of things at once, and one each `INTERVAL_MS` in the long run. */
class Pace {
  readonly #most: number
  #credit: number
  #countedAt = monotonicMs()

  constructor(most: number) {
    this.#most = most
    this.#credit = most
  }

  allows(): boolean {
    const now = monotonicMs()
    this.#credit = Math.min(this.#most, this.#credit + (now - this.#countedAt) / INTERVAL_MS)
    this.#countedAt = now
    if (this.#credit < 1) return false
    this.#credit--
    return true
  }
}

function lineOf(text: string): string {
  if (text.length <= LINE_CHARACTERS) return text.toWellFormed()
  const more = text.length - LINE_CHARACTERS
  return `${text.slice(0, LINE_CHARACTERS).toWellFormed()}… (${more} more characters)`
}
