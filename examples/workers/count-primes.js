// A long computation in parts. After each it saves where it is, so that the next attempt goes on there.

const PART = 100_000

/**
 * @param {{ below: number }} input
 * @param {import('millrace').JobContext<unknown, { from: number, primes: number }>} job
 */
export default async function countPrimes({ below }, job) {
  let { from, primes } = job.saved ?? { from: 2, primes: 0 }
  job.log(`attempt ${job.attempt} begins at ${from}`)
  while (from < below) {
    const to = Math.min(from + PART, below)
    for (let number = from; number < to; number++) if (isPrime(number)) primes++
    from = to
    // Once this is done, no kill takes the work up to here away.
    await job.checkpoint({ from, primes })
    job.progress(from / below)
  }
  return { primes, beganAt: job.saved?.from ?? 2 }
}

function isPrime(number) {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false
  return true
}
