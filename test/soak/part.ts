/** What the soak is made of. */
export interface SoakOptions {
  readonly seed: number
  /** When to come to an end, in ms since the epoch. At least one round is run. */
  readonly until: number
}

/** Runs until then, throws on any loss, and says how often it did what. */
export type SoakPart = (options: SoakOptions) => Promise<Record<string, number>>
