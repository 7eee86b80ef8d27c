/** What the fuzzer tries: something that takes bytes or text from outside. */
import { UsageError } from '../../src/cli/usage-error.js'
import { MillraceError } from '../../src/index.js'
import type { Chance } from '../support/chance.js'

/** What became of an input: it was taken, or refused with a clean error, whose message this is. */
export type Verdict = 'taken' | { readonly refused: string }

export interface Target {
  /** How many inputs are tried between two looks at the memory. */
  readonly batch: number
  /** The last input, as a report shows it. */
  readonly last: string
  /** Tries an input. Throws if it is not taken and not refused in the right way. */
  try(chance: Chance): Verdict | Promise<Verdict>
  close(): Promise<void>
}

/** The verdict of a clean error. Throws any other one. */
export function refusal(error: unknown): Verdict {
  if (error instanceof UsageError) return { refused: error.message }
  if (!(error instanceof MillraceError) || !/^MILLRACE_[A-Z_]+$/.test(error.code)) throw error
  const { cause } = error
  return { refused: `${error.code} ${cause instanceof Error ? cause.message : error.message}` }
}

/** Bytes, as a report shows them. */
export function shown(bytes: Uint8Array): string {
  return `${bytes.byteLength} bytes: ${Buffer.from(bytes).toString('base64')}`
}
