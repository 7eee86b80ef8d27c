/**
 * The failed attempts that are kept of a job. Their number and size are bounded, so that a job that is tried hundreds of times
 * costs the same each time.
 */
import { encode } from '../codec/codec.js'
import { cutText } from '../errors/allowance.js'
import type { StoredFailure } from '../errors/error-data.js'
import type { Head } from './job.js'

/** How many failures are kept: how it began, and how it went lately. */
const FIRST = 3
const LATEST = 7

/** The newest failure is kept whole. The others are too, as long as all together are not larger than this, encoded. */
const WHOLE_BYTES = 32_768
/** How much is kept of a text of the others: the code, the name and the message. The rest of such a failure is not kept. */
const TEXT = 200
const MESSAGE = 500
/** A failure that is not larger is never cut. Larger than any that has been cut. */
const SMALL_BYTES = 4096

/** How many attempts have failed. */
export function failureCountOf({ failures, failureCount }: Readonly<Head>): number {
  return failureCount ?? failures?.length ?? 0
}

/** The members of the head of a job that has failed once more. */
export function addFailure(
  head: Readonly<Head>,
  failure: StoredFailure,
): Pick<Head, 'failures' | 'failureCount'> {
  const failureCount = failureCountOf(head) + 1
  const earlier = head.failures ?? []
  if (earlier.length === 0) return { failures: [failure], ...(failureCount > 1 && { failureCount }) }
  const all = [...earlier, failure]
  const kept = all.length > FIRST + LATEST ? [...all.slice(0, FIRST), ...all.slice(-LATEST)] : all
  const failures = cutOlder(kept)
  return failures.length === failureCount ? { failures } : { failures, failureCount }
}

/** The newest come first to what may be kept whole. */
function cutOlder(failures: readonly StoredFailure[]): StoredFailure[] {
  let bytes = 0
  return failures
    .toReversed()
    .map((failure, age) => {
      const size = encode(failure, 'failure').byteLength
      bytes += size
      return age === 0 || size <= SMALL_BYTES || bytes <= WHOLE_BYTES ? failure : cut(failure)
    })
    .reverse()
}

function cut({ attempt, startedAt, at, name, message, code }: StoredFailure): StoredFailure {
  return {
    attempt,
    ...(startedAt !== undefined && { startedAt }),
    at,
    name: cutText(name, TEXT),
    message: cutText(message, MESSAGE),
    ...(code !== undefined && { code: typeof code === 'string' ? cutText(code, TEXT) : code }),
  }
}
