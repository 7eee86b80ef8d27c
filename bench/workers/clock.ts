/** Says when it ran, in ms since the epoch. */
export default function clock(): number {
  return now()
}

/** A clock of microsecond resolution that all threads share. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
