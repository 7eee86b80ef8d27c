/** How `millrace run` shows on standard error what it is at: a live bar on a terminal, else a line every few seconds. */
import { SingleBar } from 'cli-progress'

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

export class Progress {
  readonly #stream: ProgressStream
  readonly #counts: () => Counts
  readonly #startedAt = performance.now()
  #bar: SingleBar | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(stream: ProgressStream, isQuiet: boolean, counts: () => Counts) {
    this.#stream = stream
    this.#counts = counts
    if (isQuiet) return
    if (stream.isTTY) {
      this.#bar = new SingleBar({
        stream,
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
    this.apart(() => this.#stream.write(`${text}\n`))
  }

  /** Lets whole lines be written to the terminal without spoiling the bar, which is drawn anew below them. */
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
    const seconds = (performance.now() - this.#startedAt) / 1000
    const rate = (done - doneBefore) / seconds
    const left = done === total ? 0 : (total - done) / rate
    return {
      known: isAllRead ? String(total) : `${total} or more`,
      failed,
      running,
      rate: rate.toFixed(rate < 10 ? 1 : 0),
      left: isAllRead && Number.isFinite(left) ? duration(left) : '?',
    }
  }
}

function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
