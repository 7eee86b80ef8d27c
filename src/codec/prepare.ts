/**
 * The check of a value before it is encoded: what cannot arrive as it left is refused with its path.
 *
 * What arrives is data, as with structured clone: plain objects, arrays, Maps, Sets and errors, without the prototypes of
 * null-prototype objects and subclasses, and without properties that an array, a Map, a Set or a Date has beside its contents.
 */
import { types } from 'node:util'
import { messageOf } from '../errors/error-data.js'
import { TooLargeError, ValueError } from '../errors/errors.js'
import { mapStep, type PathStep, showPath } from './path.js'
import { asBuiltIn } from './typed-arrays.js'
import { Wrapped } from './wrapped.js'

/** Deeper nesting is refused: it could not be decoded without exhausting a thread's stack. */
export const MAX_DEPTH = 500

/** From here on it is remembered what has been walked, so that a small graph that unfolds to a huge tree is found out. */
const REMEMBER_AFTER = 10_000

const BEYOND_64_BITS = 1n << 64n

/** What is known of an object that was walked, to be met again on another path. */
interface Walked {
  readonly prepared: unknown
  readonly size: number
  /** How many levels of containers it holds, itself among them. */
  readonly height: number
}

/**
 * One check of one value. It hands back the value itself, or a copy in which the parts that CBOR would lose are wrapped;
 * only the way down to such a part is copied.
 */
export class Preparation {
  readonly #name: string
  readonly #limit: number
  readonly #option: string | undefined
  readonly #path: PathStep[] = []
  readonly #ancestors: object[] = []
  #walked: Map<object, Walked> | undefined
  #size = 0
  #visits = 0
  #deepest = 0

  /** `option` is the name of the option that sets the limit, for the error. */
  constructor(name: string, limit: number, option: string | undefined) {
    this.#name = name
    this.#limit = limit
    this.#option = option
  }

  /** How many bytes the encoding takes at least. An object met on many paths is encoded, and counts, for each. */
  get size(): number {
    return this.#size
  }

  /** @throws {ValueError} the value cannot be carried. @throws {TooLargeError} it is certain to be too large. */
  prepare(value: unknown): unknown {
    try {
      return this.#prepare(value)
    } catch (error) {
      if (error instanceof ValueError || error instanceof TooLargeError) throw error
      // A trap of a proxy, say, or a detached buffer.
      return this.#refuse(`cannot be read: ${messageOf(error)}`, error)
    }
  }

  #prepare(value: unknown): unknown {
    switch (typeof value) {
      case 'number':
        return Object.is(value, -0) ? new Wrapped('-0', []) : value
      case 'string':
        this.#grow(value.length)
        return isPlainText(value) ? value : new Wrapped('utf16', [Buffer.from(value, 'utf16le')])
      case 'bigint':
        return this.#bigint(value)
      case 'function':
        return this.#refuse('is a function: only data can be sent to a worker')
      case 'symbol':
        return this.#refuse('is a symbol: only data can be sent to a worker')
      case 'object':
        return value === null ? null : this.#object(value)
      default:
        return value
    }
  }

  /** CBOR's own way costs the square of the length, beyond 64 bits. */
  #bigint(value: bigint): unknown {
    if (value > -BEYOND_64_BITS && value < BEYOND_64_BITS) return value
    const hex = value.toString(16)
    this.#grow(hex.length)
    return new Wrapped('bigint', [hex])
  }

  #object(value: object): unknown {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype) {
      if (ArrayBuffer.isView(value)) return this.#view(value as NodeJS.ArrayBufferView)
      // These know values of other realms too.
      if (types.isDate(value)) return dateOf(value)
      if (types.isRegExp(value)) return new Wrapped('regexp', [this.#prepare(value.source), value.flags])
      if (types.isArrayBuffer(value)) {
        this.#grow(value.byteLength)
        return new Wrapped('arraybuffer', [Buffer.from(value)])
      }
    }
    if (this.#ancestors.includes(value))
      return this.#refuse('refers back to an object that holds it (a cycle)')
    const level = this.#ancestors.length
    const walked = this.#walked?.get(value)
    if (level + (walked?.height ?? 1) > MAX_DEPTH)
      return this.#refuse(`is nested deeper than ${MAX_DEPTH} levels`)
    if (walked) {
      this.#grow(walked.size)
      this.#deepest = Math.max(this.#deepest, level + walked.height)
      return walked.prepared
    }
    return this.#walk(value, prototype, level)
  }

  #walk(value: object, prototype: unknown, level: number): unknown {
    const sizeBefore = this.#size
    const deepestBefore = this.#deepest
    this.#deepest = level + 1
    this.#visits++
    this.#grow(1)
    this.#ancestors.push(value)
    const prepared = this.#container(value, prototype)
    this.#ancestors.pop()
    if (this.#visits > REMEMBER_AFTER) {
      this.#walked ??= new Map()
      this.#walked.set(value, { prepared, size: this.#size - sizeBefore, height: this.#deepest - level })
    }
    this.#deepest = Math.max(this.#deepest, deepestBefore)
    return prepared
  }

  #container(value: object, prototype: unknown): unknown {
    if (Array.isArray(value)) return this.#array(value)
    if (prototype !== Object.prototype && prototype !== null) {
      if (types.isMap(value)) return this.#map(value)
      if (types.isSet(value)) return this.#set(value)
      if (value instanceof Error || types.isNativeError(value)) return this.#error(value)
      // A prototype without a prototype is some realm's Object.prototype.
      if (Object.getPrototypeOf(prototype) !== null)
        return this.#refuse(
          types.isPromise(value)
            ? 'is a Promise: await it first'
            : `is an instance of ${value.constructor?.name || 'class'}: send its data as a plain object`,
        )
    }
    return this.#plain(value as Record<string, unknown>)
  }

  #view(view: NodeJS.ArrayBufferView): unknown {
    const { buffer, byteOffset, byteLength } = view
    if (types.isSharedArrayBuffer(buffer)) return this.#refuse('is a view on shared memory: copy it first')
    this.#grow(byteLength)
    if (types.isDataView(view)) return new Wrapped('dataview', [Buffer.from(buffer, byteOffset, byteLength)])
    if (Buffer.isBuffer(view)) return view
    const typed = view as NodeJS.TypedArray
    const carried = asBuiltIn(typed)
    return (
      carried ??
      this.#refuse(`is a ${typed[Symbol.toStringTag]}: send its bytes, or a Float32Array, in its place`)
    )
  }

  #plain(object: Record<string, unknown>): unknown {
    const [symbol] = Object.getOwnPropertySymbols(object)
    if (symbol !== undefined) {
      this.#path.push(() => `[${String(symbol)}]`)
      return this.#refuse('is keyed by a symbol: use a string')
    }
    let copy: Record<string, unknown> | undefined
    let isHostile = false
    for (const key of Object.keys(object)) {
      if (key === '__proto__' || !isPlainText(key)) isHostile = true
      this.#grow(key.length)
      const value = this.#read(object, key)
      const inner = this.#child(key, value)
      if (!Object.is(inner, value)) {
        copy ??= { __proto__: null, ...object } as Record<string, unknown>
        copy[key] = inner
      }
    }
    const prepared = copy ?? object
    if (!isHostile) return prepared
    return new Wrapped(
      'entries',
      Object.keys(prepared).flatMap((key) => [this.#prepare(key), prepared[key]]),
    )
  }

  #array(array: unknown[]): unknown {
    let copy: unknown[] | undefined
    for (let index = 0; index < array.length; index++) {
      const value = array[index]
      if (value === undefined && !(index in array)) return this.#sparse(array)
      const inner = this.#child(index, value)
      if (!Object.is(inner, value)) {
        copy ??= [...array]
        copy[index] = inner
      }
    }
    this.#grow(array.length)
    // Encoded by its constructor, which may be a subclass or another realm's.
    return copy ?? (array.constructor === Array ? array : [...array])
  }

  /** Does not look at the holes, of which there may be billions. */
  #sparse(array: unknown[]): unknown {
    const data: unknown[] = [array.length]
    for (const key of Object.keys(array)) {
      const index = Number(key)
      // What is no index comes after all that are.
      if (!(index < array.length)) break
      this.#grow(2)
      data.push(index, this.#child(index, array[index]))
    }
    return new Wrapped('sparse', data)
  }

  #map(map: Map<unknown, unknown>): unknown {
    const prepared = new Map<unknown, unknown>()
    for (const [key, value] of map) {
      const place = prepared.size
      prepared.set(
        this.#child(() => `.keys()[${place}]`, key),
        this.#child(() => mapStep(key, place), value),
      )
    }
    return prepared
  }

  #set(set: Set<unknown>): unknown {
    const prepared = new Set<unknown>()
    for (const value of set) {
      const place = prepared.size
      prepared.add(this.#child(() => `.values()[${place}]`, value))
    }
    return prepared
  }

  #error(error: Error): unknown {
    const { name, message } = error
    const shown: Record<string, unknown> = { ...error, name, message }
    for (const key of ['stack', 'cause', 'errors'])
      if (Object.hasOwn(error, key)) shown[key] = this.#read(error, key)
    const data = Object.entries(shown).flatMap(([key, value]) => [
      this.#prepare(key),
      this.#child(key, value),
    ])
    return new Wrapped('error', data)
  }

  #read(object: object, key: string): unknown {
    try {
      return (object as Record<string, unknown>)[key]
    } catch (error) {
      this.#path.push(key)
      return this.#refuse(`cannot be read: ${messageOf(error)}`, error)
    }
  }

  #child(step: PathStep, value: unknown): unknown {
    if (typeof value === 'number' && value !== 0) return value
    this.#path.push(step)
    const prepared = this.#prepare(value)
    this.#path.pop()
    return prepared
  }

  #grow(bytes: number): void {
    this.#size += bytes
    if (this.#size > this.#limit) throw new TooLargeError(this.#name, this.#limit, this.#option)
  }

  #refuse(what: string, cause?: unknown): never {
    const path = this.#name + showPath(this.#path)
    throw new ValueError(path, what, cause === undefined ? undefined : { cause })
  }
}

/** CBOR counts seconds, so that ms of far dates are lost to rounding. */
function dateOf(date: Date): unknown {
  const ms = date.getTime()
  if (Math.round((ms / 1000) * 1000) !== ms && !Number.isNaN(ms)) return new Wrapped('date', [ms])
  return date instanceof Date ? date : new Date(ms)
}

/** UTF-8, and so CBOR, has no unpaired surrogates, and some decoders take a byte order mark away. */
function isPlainText(text: string): boolean {
  return text.isWellFormed() && text.charCodeAt(0) !== 0xfeff
}
