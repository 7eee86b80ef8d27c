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

export interface Row extends Line {
  /** What the measurement needs in its directory; runs in a process of its own, before that. */
  prepare?(run: Run): Promise<void>
  /**
   * Runs in a process of its own, on a temporary directory, which is removed after it. May throw `NotInstalled`: then the row
   * says so in place of a figure.
   */
  measure(run: Run): Promise<Measured>
  /** What else the same measurement gives: each is a line of its own below the row. */
  readonly also?: readonly Line[]
  /** Only measured when asked for by `--full`: it takes minutes. */
  readonly isLong?: boolean
}

/** A line of the table. */
export interface Line {
  readonly name: string
  /** Of several figures, which one this is. Default the first. */
  readonly figure?: string
  /** In place of the question's. */
  readonly better?: Better
  /** Of samples, which quantile the figure is. Default 0.5, their median. */
  readonly quantile?: number
  /** The line whose figure of the same round it is compared with. */
  readonly against?: string
  /** What the ratio to that line, or without one the figure itself, should come to. */
  readonly target?: Target
  /** The figure, without a ratio, hangs little on the machine and its moods: `--check` compares it as it is. */
  readonly isSteady?: boolean
}

/** What a measurement gives: a figure, samples, of which the figure is a quantile, or several figures by name. */
export type Measured = number | readonly number[] | { readonly figures: Readonly<Record<string, number>> }

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
