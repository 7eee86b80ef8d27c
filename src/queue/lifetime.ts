/**
 * Whether the queue takes calls.
 *
 * ```
 *  open ──a write fails──▶ broken
 *    └──close()──▶ closing ◀──close()──┘
 * ```
 *
 * An open queue takes every call. A broken one refuses new jobs and waiting with the error that broke it. A closing one refuses
 * everything with a ClosedError.
 */
import { ClosedError } from '../errors/errors.js'

export class Lifetime {
  isClosing = false
  /** What broke the queue. */
  broken: Error | undefined

  /** @throws {ClosedError} */
  assertOpen(): void {
    if (this.isClosing) throw new ClosedError()
  }

  /** Whether jobs can still be added and waited for. @throws {ClosedError} @throws what broke the queue. */
  assertWorking(): void {
    this.assertOpen()
    if (this.broken) throw this.broken
  }
}
