/**
 * The checkpoints of one job, on their way to the store.
 *
 * ```
 *  saved ──none is on its way──▶ on its way ──answer──▶ stored, or refused
 *    └──one is──▶ next ──the other is answered, or the job fails──▶ on its way
 * ```
 *
 * One is on its way at a time, and one is next: a newer one takes its place, and both promises are fulfilled with the newer one. The
 * answer comes by a port of its own, which synchronous code can look into: there the next call sends what is next.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { toError } from '../../errors/error-data.js'
import type { Answer } from '../said.js'

type Send = (checkpoint: Uint8Array, reply: MessagePort) => void

interface Checkpoint {
  bytes: Uint8Array
  readonly promise: Promise<void>
  resolve(): void
  reject(error: Error): void
}

export class Checkpoints {
  readonly #send: Send
  /** What to throw when the job has ended. */
  readonly #ended: () => Error
  #sent: { readonly checkpoint: Checkpoint; readonly port: MessagePort } | undefined
  #next: Checkpoint | undefined
  #hasEnded: boolean

  constructor(send: Send, ended: () => Error, hasEnded: boolean) {
    this.#send = send
    this.#ended = ended
    this.#hasEnded = hasEnded
  }

  save(bytes: Uint8Array): Promise<void> {
    if (this.#hasEnded) return this.#refuse(newCheckpoint(bytes))
    this.#look()
    if (this.#next) {
      this.#next.bytes = bytes
      return this.#next.promise
    }
    const checkpoint = newCheckpoint(bytes)
    if (this.#sent) this.#next = checkpoint
    else this.#sendOne(checkpoint)
    return checkpoint.promise
  }

  /** The job has ended. If another attempt may follow, what is next is stored for it. */
  end(isFailed: boolean): void {
    this.#hasEnded = true
    const next = this.#next
    if (!next) return
    this.#next = undefined
    if (isFailed) this.#sendOne(next)
    else void this.#refuse(next)
  }

  #sendOne(checkpoint: Checkpoint): void {
    const { port1: port, port2 } = new MessageChannel()
    this.#sent = { checkpoint, port }
    port.once('message', (answer: Answer) => this.#receive(checkpoint, port, answer))
    this.#send(checkpoint.bytes, port2)
  }

  /** Where nobody awaits it, that is no reason to end the thread. */
  #refuse({ promise, reject }: Checkpoint): Promise<void> {
    promise.catch(() => {})
    reject(this.#ended())
    return promise
  }

  /** Synchronous code hears nothing: whether the answer is there is looked up. */
  #look(): void {
    if (!this.#sent) return
    const { checkpoint, port } = this.#sent
    const received = receiveMessageOnPort(port)
    if (received) this.#receive(checkpoint, port, received.message as Answer)
  }

  #receive(checkpoint: Checkpoint, port: MessagePort, answer: Answer): void {
    port.close()
    if (answer === 'stored') checkpoint.resolve()
    else if (answer === 'ended') void this.#refuse(checkpoint)
    else checkpoint.reject(toError(answer))
    if (this.#sent?.checkpoint !== checkpoint) return
    this.#sent = undefined
    const next = this.#next
    this.#next = undefined
    if (next) this.#sendOne(next)
  }
}

function newCheckpoint(bytes: Uint8Array): Checkpoint {
  let resolve: () => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { bytes, promise, resolve, reject }
}
