/** How much is kept of one thrown error: a failing job must not make its record large. */

/** Characters of a message, of a stack, of another text, and of all texts of one error together. */
const MESSAGE = 8192
const STACK = 16_384
const TEXT = 4096
const ALL = 32_768

/** Errors and values in one error: causes, members, elements. */
const PARTS = 500

export class Allowance {
  #characters = ALL
  #parts = PARTS

  /** Whether one more part may be kept. */
  takePart(): boolean {
    return this.#parts-- > 0
  }

  /** Whether so many bytes may be kept. */
  takeBytes(count: number): boolean {
    if (count > TEXT || count > this.#characters) return false
    this.#characters -= count
    return true
  }

  message(text: string): string {
    return this.#cut(text, MESSAGE)
  }

  stack(text: string): string {
    return this.#cut(text, STACK)
  }

  text(text: string): string {
    return this.#cut(text, TEXT)
  }

  #cut(text: string, most: number): string {
    const kept = cutText(text, Math.min(most, this.#characters))
    this.#characters -= Math.min(kept.length, this.#characters)
    return kept
  }
}

/** The first `most` characters of a text. What is cut off is counted at its end. */
export function cutText(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more characters)`
}
