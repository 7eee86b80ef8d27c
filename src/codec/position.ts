/** Where the walk of a value is, and the errors that name that place. */
import { ValueError } from '../errors/errors.js'
import { type PathStep, showPath } from './path.js'

/** Deeper nesting is refused: it could not be decoded without exhausting a thread's stack. */
export const MAX_DEPTH = 500

export class Position {
  readonly #name: string
  readonly #path: PathStep[] = []
  readonly #ancestors: object[] = []

  constructor(name: string) {
    this.#name = name
  }

  /** How many containers hold what is walked now. */
  get level(): number {
    return this.#ancestors.length
  }

  /** Into a member of a container. */
  down(step: PathStep): void {
    this.#path.push(step)
  }

  up(): void {
    this.#path.pop()
  }

  enter(container: object): void {
    this.#ancestors.push(container)
  }

  leave(): void {
    this.#ancestors.pop()
  }

  /** @throws {ValueError} a container holds itself. That is only looked for when a value is too deep or too large: it becomes so. */
  refuseCycle(): void {
    const seen = new Set<object>()
    for (const [level, ancestor] of this.#ancestors.entries()) {
      if (seen.has(ancestor)) {
        this.#path.length = level
        this.refuse('refers back to an object that holds it (a cycle)')
      }
      seen.add(ancestor)
    }
  }

  refuseDepth(): never {
    this.refuseCycle()
    return this.refuse(`is nested deeper than ${MAX_DEPTH} levels`)
  }

  refuse(what: string, cause?: unknown): never {
    const path = this.#name + showPath(this.#path)
    throw new ValueError(path, what, cause === undefined ? undefined : { cause })
  }
}
