/**
 * A thread beside the queue that makes large inputs and looks at large outputs, so that the queue's own thread does nothing but
 * the queue's work. Bytes are transferred, not copied.
 */
import { once } from 'node:events'
import { parentPort, Worker } from 'node:worker_threads'
import { fillNoise } from './noise.js'
import { digestOf } from './tasks.js'

type Request = { readonly make: number; readonly seed: number } | { readonly look: Uint8Array<ArrayBuffer> }

/** Bytes and their digest. */
export interface Parcel {
  readonly bytes: Uint8Array
  readonly digest: string
}

export class Side {
  readonly #worker = new Worker(new URL(import.meta.url))
  #last: Promise<unknown> = Promise.resolve()

  make(bytes: number, seed: number): Promise<Parcel> {
    return this.#ask({ make: bytes, seed })
  }

  /** The digest of bytes that are not used any more. */
  async look(bytes: Uint8Array): Promise<string> {
    return (await this.#ask({ look: bytes as Uint8Array<ArrayBuffer> })).digest
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  /** One at a time. */
  #ask(request: Request): Promise<Parcel> {
    const answer = this.#last.then(async () => {
      this.#worker.postMessage(request, 'look' in request ? [request.look.buffer] : [])
      const [parcel] = (await once(this.#worker, 'message')) as [Parcel]
      return parcel
    })
    this.#last = answer.catch(() => {})
    return answer
  }
}

parentPort?.on('message', (request: Request) => {
  const bytes = 'look' in request ? request.look : fillNoise(new Uint8Array(request.make), request.seed)
  const digest = digestOf(bytes)
  if ('look' in request) parentPort?.postMessage({ digest })
  else parentPort?.postMessage({ bytes, digest }, [bytes.buffer as ArrayBuffer])
})
