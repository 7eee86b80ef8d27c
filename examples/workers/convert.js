// Two implementations of one task, for a worker factory to choose from.

/** @param {{ text: string }} input */
export function upper({ text }) {
  return text.toUpperCase()
}

/** @param {{ text: string }} input */
export function reversed({ text }) {
  return [...text].reverse().join('')
}
