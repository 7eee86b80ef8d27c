/** How `millrace run` shows on standard error what it is at: a live bar on a terminal, else a line every few seconds. */
import { SingleBar } from 'cli-progress'
import { printable } from '../printable.js'

export interface Counts {
  /** How many inputs there are, as far as they have been read. */
  readonly total: number
  readonly isAllRead: boolean
  readonly done: number
  /** Those of them that were done before this run. */
  readonly doneBefore: number
  readonly failed: number
  readonly running: number
}

/** What progress needs of standard error. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean }

const LINE_INTERVAL_MS = 5000
const BAR_INTERVAL_MS = 100

/** Terminal codes: to an empty line that wraps; no wrapping, and here is where the bar is. */
const LEAVE_BAR = '\r\x1b[K\x1b[?7h'
const ENTER_BAR = '\x1b[?7l\x1b7'

/** A time left is an estimate from this many results, over this many seconds, at least. From fewer it would jump about. */
const ENOUGH_RESULTS = 20
const ENOUGH_SECONDS = 5

export class Progress {
  readonly #stream: ProgressStream
  readonly #isQuiet: boolean
  readonly #counts: () => Counts
  readonly #now: () => number
  readonly #startedAt: number
  #bar: SingleBar | undefined
  #timer: NodeJS.Timeout | undefined

  /** `now` is a clock in ms. */
  constructor(
    stream: ProgressStream,
    isQuiet: boolean,
    counts: () => Counts,
    now: () => number = () => performance.now(),
  ) {
    this.#stream = stream
    this.#isQuiet = isQuiet
    this.#counts = counts
    this.#now = now
    this.#startedAt = now()
  }

  /** Shows the first state, and from now on what has changed. */
  start(): void {
    if (this.#isQuiet) return
    if (this.#stream.isTTY) {
      this.#bar = new SingleBar({
        stream: this.#stream,
        format:
          '{bar} {value} of {known} done | {failed} failed | {running} running | {rate}/s | {left} left',
        hideCursor: true,
        // Other lines may have taken its place.
        forceRedraw: true,
      })
      this.#bar.start(1, 0, this.#payload())
      this.#timer = setInterval(() => this.#draw(), BAR_INTERVAL_MS)
    } else this.#timer = setInterval(() => this.#print(), LINE_INTERVAL_MS)
    this.#timer.unref()
  }

  /** Writes a line of text beside the bar. */
  line(text: string): void {
    this.apart(() => this.#stream.write(`${printable(text)}\n`))
  }

  /** Lets whole lines be written to the terminal without spoiling the bar, which is drawn again below them. */
  apart(write: () => void): void {
    if (this.#bar) this.#stream.write(LEAVE_BAR)
    write()
    if (this.#bar) this.#stream.write(ENTER_BAR)
  }

  /** Shows the last state. Stopping twice is stopping once. */
  stop(): void {
    if (!this.#timer) return
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#bar) {
      this.#draw()
      this.#bar.stop()
      this.#bar = undefined
    } else this.#print()
  }

  #draw(): void {
    const { total, done } = this.#counts()
    this.#bar?.setTotal(Math.max(1, total))
    this.#bar?.update(done, this.#payload())
  }

  #print(): void {
    const { known, failed, running, rate, left } = this.#payload()
    this.line(
      `millrace: ${this.#counts().done} of ${known} done, ${failed} failed, ${running} running, ${rate}/s, ${left} left`,
    )
  }

  #payload(): { known: string; failed: number; running: number; rate: string; left: string } {
    const { total, isAllRead, done, doneBefore, failed, running } = this.#counts()
    const seconds = (this.#now() - this.#startedAt) / 1000
    const doneNow = done - doneBefore
    const rate = seconds > 0 ? doneNow / seconds : 0
    const isEnough = doneNow >= ENOUGH_RESULTS && seconds >= ENOUGH_SECONDS
    const left = done === total ? 0 : isEnough ? (total - done) / rate : undefined
    return {
      known: isAllRead ? String(total) : `${total} or more`,
      failed,
      running,
      rate: rate.toFixed(rate < 10 ? 1 : 0),
      left: isAllRead && left !== undefined ? duration(left) : '?',
    }
  }
}

function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
