// A CPU-bound worker module: counts the primes below a number. Used by several of the examples.

/** @param {{ below: number }} input */
export default function primes({ below }) {
  const isComposite = new Uint8Array(below)
  let count = 0
  for (let n = 2; n < below; n++) {
    if (isComposite[n]) continue
    count++
    for (let multiple = n * n; multiple < below; multiple += n) isComposite[multiple] = 1
  }
  return count
}
