/** How `millrace run` shows on standard error what it is at: a live bar on a terminal, else a line every few seconds. */
import { SingleBar } from 'cli-progress'

export interface Counts {
  readonly total: number
  readonly done: number
  readonly failed: number
  readonly running: number
}

const LINE_INTERVAL_MS = 5000
const BAR_INTERVAL_MS = 100

export class Progress {
  readonly #counts: () => Counts
  readonly #startedAt = performance.now()
  readonly #doneBefore: number
  readonly #bar: SingleBar | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(stream: NodeJS.WriteStream, isQuiet: boolean, counts: () => Counts) {
    this.#counts = counts
    this.#doneBefore = counts().done
    if (isQuiet) return
    if (stream.isTTY) {
      this.#bar = new SingleBar({
        stream,
        format:
          '{bar} {value} of {total} done | {failed} failed | {running} running | {rate}/s | {left} left',
        hideCursor: true,
      })
      this.#bar.start(1, 0, this.#payload())
      this.#timer = setInterval(() => this.#draw(), BAR_INTERVAL_MS)
    } else this.#timer = setInterval(() => this.#print(), LINE_INTERVAL_MS)
    this.#timer.unref()
  }

  /** Prints a line without spoiling the bar. */
  line(text: string): void {
    process.stderr.write(this.#bar ? `\r\x1b[K${text}\n` : `${text}\n`)
  }

  /** Shows the last state. Stopping twice is stopping once. */
  stop(): void {
    if (!this.#timer) return
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#bar) {
      this.#draw()
      this.#bar.stop()
    } else this.#print()
  }

  #draw(): void {
    const { total, done } = this.#counts()
    this.#bar?.setTotal(Math.max(1, total))
    this.#bar?.update(done, this.#payload())
  }

  #print(): void {
    const { total, done } = this.#counts()
    const { failed, running, rate, left } = this.#payload()
    console.error(
      `millrace: ${done} of ${total} done, ${failed} failed, ${running} running, ${rate}/s, ${left} left`,
    )
  }

  #payload(): { failed: number; running: number; rate: string; left: string } {
    const { total, done, failed, running } = this.#counts()
    const seconds = (performance.now() - this.#startedAt) / 1000
    const rate = (done - this.#doneBefore) / seconds
    const left = rate > 0 ? duration((total - done) / rate) : '?'
    return { failed, running, rate: rate.toFixed(rate < 10 ? 1 : 0), left }
  }
}

function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
