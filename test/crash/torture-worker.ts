/** The task of the torture: says that it runs, then does what its kind says. */
import { env } from 'node:process'
import { type JobContext, UnrecoverableError } from '../../src/worker.js'
import { FactBook, type Input } from './facts.js'

const book = new FactBook(env.TORTURE_FACTS ?? '')
const life = Number(env.TORTURE_LIFE)

export default function torture({ kind, n }: Input, { id, attempt }: JobContext): unknown {
  book.write({ is: 'run', life, id, kind, attempt })
  const output = { doubled: 2 * n }
  switch (kind) {
    case 'plain':
      return output
    case 'slow':
      return new Promise((resolve) => setTimeout(resolve, n % 8, output))
    case 'flaky':
      if (attempt < 2) throw new RangeError('too early')
      return output
    case 'bad':
      throw new TypeError('never works')
    case 'hopeless':
      throw new UnrecoverableError('no use')
  }
}
