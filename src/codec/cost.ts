/** What a value costs while it is walked: the bytes of its encoding, and the memory that it takes when it is decoded. */
import { TooLargeError } from '../errors/errors.js'
import { MOST_MEMORY } from './memory.js'
import type { Position } from './position.js'

/** How large an encoding may be. */
export interface Limit {
  readonly bytes: number
  /** The option that set it, if one did. */
  readonly option?: string
}

/** What can be encoded at all, in bytes. */
const LARGEST = 2 ** 30

/** What is known of an object that was walked, to be met again on another path. */
export interface Walked {
  readonly prepared: unknown
  readonly bytes: number
  readonly memory: number
  /** How many levels of containers it holds, itself among them. */
  readonly height: number
}

export class Cost {
  readonly #name: string
  readonly #limit: Limit | undefined
  readonly #most: number
  readonly #position: Position
  #bytes = 0
  #memory = 0
  #remembered = 0

  /** `name` is the value's, for errors. */
  constructor(name: string, limit: Limit | undefined, position: Position) {
    this.#name = name
    this.#limit = limit
    this.#most = limit?.bytes ?? LARGEST
    this.#position = position
  }

  /** How many bytes the encoding takes at least. The first byte of a part is counted by the container that holds it. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many bytes were walked. The others are those of objects that are remembered. */
  get walked(): number {
    return this.#bytes - this.#remembered
  }

  get memory(): number {
    return this.#memory
  }

  /** @throws {TooLargeError} the encoding is certain to be too large. @throws {ValueError} for it is a cycle. */
  addBytes(count: number): void {
    this.#bytes += count
    if (this.#bytes > this.#most) {
      this.#position.refuseCycle()
      this.checkBytes(this.#bytes)
    }
  }

  /** @throws {TooLargeError} the decoded value would take too much memory. @throws {ValueError} for it is a cycle. */
  addMemory(count: number): void {
    this.#memory += count
    if (this.#memory <= MOST_MEMORY) return
    this.#position.refuseCycle()
    throw new TooLargeError(this.#name, MOST_MEMORY, undefined, true)
  }

  /** An object is met again. */
  addRemembered({ bytes, memory }: Walked): void {
    this.addBytes(bytes)
    this.addMemory(memory)
    this.#remembered += bytes
  }

  /** The last so many bytes are those of an object that is remembered from now on. */
  remember(bytesWalked: number): void {
    this.#remembered += bytesWalked
  }

  /** @throws {TooLargeError} an encoding of so many bytes is too large. */
  checkBytes(count: number): void {
    if (count > this.#most) throw new TooLargeError(this.#name, this.#most, this.#limit?.option)
  }
}
