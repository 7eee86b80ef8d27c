/** What each of millrace's peers is brought to, so that all are put under the same load. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import noop from '../../workers/noop.js'
import { spinRounds } from '../../workers/spin.js'
import { NotInstalled } from '../question.js'

export interface Peer {
  /** Enqueues one job; fulfilled when its outcome is reported. */
  run(input: number): Promise<unknown>
  /** Enqueues them by one call of the peer's; fulfilled when all their outcomes are reported. */
  runMany?(inputs: readonly number[]): Promise<unknown>
  close(): Promise<unknown>
}

/** Sets up a peer that runs this work, in a directory of its own. */
export type OpenPeer = (work: Work, directory: string) => Promise<Peer>

/** What a job does: nothing, or so many rounds of arithmetic. */
export type Work = 'noop' | 'spinRounds'

/** The work itself, for peers that run it where they are. */
export function perform(work: Work, input: number): unknown {
  return work === 'noop' ? noop(input) : spinRounds(input)
}

/** The module of a package in `bench/package.json`. */
export async function load<Module>(name: string): Promise<Module> {
  let file: string
  try {
    file = IN_BENCH.resolve(name)
  } catch {
    throw new NotInstalled('npm ci --prefix bench')
  }
  // What is known of the package is what the caller says: its own types are there only where it is installed.
  return (await import(pathToFileURL(file).href)) as Module
}

/** Resolves from `bench/` of the checkout, not of the build. */
const IN_BENCH = createRequire(new URL('../../../bench/package.json', import.meta.url))

/** The jobs of a peer whose outcomes are reported in another place than they are enqueued at. */
export class Outcomes {
  #last = 0
  readonly #waiting = new Map<number, () => void>()

  /** A number for a job to carry, and its outcome. */
  expect(): { id: number; reported: Promise<void> } {
    const id = ++this.#last
    const reported = new Promise<void>((resolve) => this.#waiting.set(id, resolve))
    return { id, reported }
  }

  report(id: number): void {
    this.#waiting.get(id)?.()
    this.#waiting.delete(id)
  }
}

/** What such a job carries. */
export interface Payload {
  readonly id: number
  readonly input: number
}
