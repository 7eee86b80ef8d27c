/**
 * The torture's own book of what was promised and what was seen: kept outside the queue, a line for each fact, written
 * before anybody can act on it. A process that is killed loses no line that it wrote; the one that it was writing may be cut
 * short, which nobody has acted on.
 */
import { openSync, readFileSync, writeSync } from 'node:fs'
import type { FinishedState } from '../../src/job/job.js'

export type Kind = 'plain' | 'slow' | 'flaky' | 'bad' | 'hopeless'

export interface Input {
  readonly kind: Kind
  readonly n: number
}

export type Fact =
  /** A process has opened the queue. */
  | { is: 'opened'; life: number; maxWorkers: number; cancels: boolean; recovered: number }
  | {
      is: 'acknowledged'
      id: string
      kind: Kind
      n: number
      attempts: number
      isDelayed: boolean
      key?: string
    }
  /** Said by the thread, before it does anything else. */
  | { is: 'run'; life: number; id: string; kind: Kind; attempt: number }
  | { is: 'reported'; by: 'event' | 'promise'; id: string; state: FinishedState }
  | { is: 'retrying'; id: string; attempt: number }
  | { is: 'cancelled'; id: string }
  /** Never to be seen. */
  | { is: 'trouble'; message: string }

export class FactBook {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
    // Behind a line that was cut short another one begins.
    writeSync(this.#file, '\n')
  }

  write(...facts: Fact[]): void {
    writeSync(this.#file, facts.map((fact) => `${JSON.stringify(fact)}\n`).join(''))
  }
}

/** All facts, in the order in which they became true. */
export function readFacts(path: string): Fact[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Fact)
}
