/** What a bench script states: a question, how it is answered, and what is compared. */

export interface Question {
  readonly title: string
  /** What is measured, and how. */
  readonly how: string
  /** Of each figure that is reported. */
  readonly unit: string
  /** Decimals shown. Default 0. */
  readonly digits?: number
  /** What a good figure is: more of it, or less. Neither where rows are about others than millrace: nothing is checked then. */
  readonly better: Better
  /** Measured once, before all rows, for what they must have in common; each is given it as `run.common`. */
  common?(): number
  readonly rows: readonly Row[]
}

export type Better = 'more' | 'less' | 'neither'

export interface Row {
  readonly name: string
  /** What the measurement needs in its directory; runs in a process of its own, before that. */
  prepare?(run: Run): Promise<void>
  /**
   * Runs in a process of its own, on a temporary directory, which is removed after it. May throw `NotInstalled`: then the row
   * says so in place of a figure.
   */
  measure(run: Run): Promise<Measured>
  /** Of samples, which quantile the row's figure is. Default 0.5, their median. */
  readonly quantile?: number
  /** The row whose figure of the same round it is compared with. */
  readonly against?: string
  /** What the ratio to that row, or without one the figure itself, should come to. */
  readonly target?: Target
  /** The figure, without a ratio, hangs little on the machine and its moods: `--check` compares it as it is. */
  readonly isSteady?: boolean
  /** Only measured when asked for by `--full`: it takes minutes. */
  readonly isLong?: boolean
}

/** What a measurement gives: the row's figure, or samples, of which the figure is a quantile. */
export type Measured = number | readonly number[]

/** What is measured is not on this machine; the message says how it gets there. */
export class NotInstalled extends Error {}

/** What a row gives whose measurement threw that. */
export interface Missing {
  readonly missing: string
}

export type Target = { readonly atLeast: number } | { readonly atMost: number }

export interface Run {
  readonly directory: string
  /** A small run to see that the script works: its figures mean little. */
  readonly quick: boolean
  /** What the question's own `common` gave, else 0. */
  readonly common: number
}
