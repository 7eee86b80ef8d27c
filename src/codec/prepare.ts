/**
 * The check of a value before it is encoded: what cannot arrive as it left is refused with its path.
 *
 * What arrives is data, as with structured clone: plain objects, arrays, Maps, Sets and errors, without the prototypes of
 * null-prototype objects and subclasses, and without properties that an array, a Map, a Set or a Date has beside its contents.
 */
import { types } from 'node:util'
import { messageOf } from '../errors/error-data.js'
import { TooLargeError, ValueError } from '../errors/errors.js'
import { Cost, type Limit, type Walked } from './cost.js'
import {
  CONTAINER_MEMORY,
  ELEMENT_MEMORY,
  ENTRY_MEMORY,
  EXTRA_MEMORY,
  KEY_MEMORY,
  objectMemory,
  TEXT_MEMORY,
} from './memory.js'
import { mapStep, type PathStep } from './path.js'
import { MAX_DEPTH, Position } from './position.js'
import { asBuiltIn } from './typed-arrays.js'
import { isPlainText, type Kind, Wrapped } from './wrapped.js'

/**
 * A value that has become this large, in encoded bytes, is watched: it may be a small graph that unfolds to a huge tree. Then each
 * object of which so many bytes were walked is remembered, and not walked again where it is met again.
 */
const WATCHED_BYTES = 10_000
const REMEMBERED_BYTES = 256

const BEYOND_64_BITS = 1n << 64n

/**
 * One check of one value. It hands back the value itself, or a copy in which the parts that CBOR would lose are wrapped;
 * only the way down to such a part is copied.
 */
export class Preparation {
  readonly #position: Position
  /** An object met on many paths is encoded, and counts, for each. */
  readonly cost: Cost
  #walked: Map<object, Walked> | undefined
  #deepest = 0

  constructor(name: string, limit: Limit | undefined) {
    this.#position = new Position(name)
    this.cost = new Cost(name, limit, this.#position)
  }

  /** @throws {ValueError} the value cannot be carried. @throws {TooLargeError} it is certain to be too large. */
  prepare(value: unknown): unknown {
    try {
      return this.#prepare(value)
    } catch (error) {
      if (error instanceof ValueError || error instanceof TooLargeError) throw error
      // A trap of a proxy, say, or a detached buffer.
      return this.#position.refuse(`cannot be read: ${messageOf(error)}`, error)
    }
  }

  #prepare(value: unknown): unknown {
    switch (typeof value) {
      case 'number':
        return Object.is(value, -0) ? this.#wrap('-0', []) : value
      case 'string':
        this.cost.addBytes(value.length)
        this.cost.addMemory(TEXT_MEMORY)
        return isPlainText(value) ? value : this.#wrapBytes('utf16', Buffer.from(value, 'utf16le'))
      case 'bigint':
        return this.#bigint(value)
      case 'function':
        return this.#position.refuse('is a function: only data can be sent to a worker')
      case 'symbol':
        return this.#position.refuse('is a symbol: only data can be sent to a worker')
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
    this.cost.addBytes(hex.length)
    return this.#wrap('bigint', [hex])
  }

  /** CBOR counts seconds, so that ms of far dates are lost to rounding. */
  #date(date: Date): unknown {
    const ms = date.getTime()
    if (Math.round((ms / 1000) * 1000) !== ms && !Number.isNaN(ms)) return this.#wrap('date', [ms])
    this.cost.addMemory(EXTRA_MEMORY)
    return date instanceof Date ? date : new Date(ms)
  }

  #wrap(kind: Kind, data: readonly unknown[]): Wrapped {
    this.cost.addMemory(EXTRA_MEMORY)
    return new Wrapped(kind, data)
  }

  #wrapBytes(kind: Kind, bytes: Buffer): Wrapped {
    this.cost.addMemory(EXTRA_MEMORY)
    return this.#wrap(kind, [bytes])
  }

  #object(value: object): unknown {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype) {
      if (ArrayBuffer.isView(value)) return this.#view(value as NodeJS.ArrayBufferView)
      // These know values of other realms too.
      if (types.isDate(value)) return this.#date(value)
      if (types.isRegExp(value)) return this.#wrap('regexp', [this.#prepare(value.source), value.flags])
      if (types.isArrayBuffer(value)) {
        this.cost.addBytes(value.byteLength)
        return this.#wrapBytes('arraybuffer', Buffer.from(value))
      }
    }
    const { level } = this.#position
    const walked = this.#walked?.get(value)
    if (level + (walked?.height ?? 1) > MAX_DEPTH) return this.#position.refuseDepth()
    if (walked) {
      this.cost.addRemembered(walked)
      this.#deepest = Math.max(this.#deepest, level + walked.height)
      return walked.prepared
    }
    return this.#walk(value, prototype, level)
  }

  #walk(value: object, prototype: unknown, level: number): unknown {
    const { cost } = this
    const { bytes, walked, memory } = cost
    const deepestBefore = this.#deepest
    this.#deepest = level + 1
    cost.addMemory(CONTAINER_MEMORY)
    this.#position.enter(value)
    const prepared = this.#container(value, prototype)
    this.#position.leave()
    if (cost.bytes > WATCHED_BYTES && cost.walked - walked >= REMEMBERED_BYTES) {
      const known = { bytes: cost.bytes - bytes, memory: cost.memory - memory, height: this.#deepest - level }
      this.#walked ??= new Map()
      this.#walked.set(value, { prepared, ...known })
      cost.remember(cost.walked - walked)
    }
    if (deepestBefore > this.#deepest) this.#deepest = deepestBefore
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
        return this.#position.refuse(
          types.isPromise(value)
            ? 'is a Promise: await it first'
            : `is an instance of ${value.constructor?.name || 'class'}: send its data as a plain object`,
        )
    }
    return this.#plain(value as Record<string, unknown>)
  }

  #view(view: NodeJS.ArrayBufferView): unknown {
    const { buffer, byteOffset, byteLength } = view
    if (types.isSharedArrayBuffer(buffer))
      return this.#position.refuse('is a view on shared memory: copy it first')
    this.cost.addBytes(byteLength)
    this.cost.addMemory(EXTRA_MEMORY)
    if (types.isDataView(view))
      return this.#wrapBytes('dataview', Buffer.from(buffer, byteOffset, byteLength))
    if (Buffer.isBuffer(view)) return view
    const typed = view as NodeJS.TypedArray
    const carried = asBuiltIn(typed)
    return (
      carried ??
      this.#position.refuse(
        `is a ${typed[Symbol.toStringTag]}: send its bytes, or a Float32Array, in its place`,
      )
    )
  }

  #plain(object: Record<string, unknown>): unknown {
    const [symbol] = Object.getOwnPropertySymbols(object)
    if (symbol !== undefined) {
      this.#position.down(() => `[${String(symbol)}]`)
      return this.#position.refuse('is keyed by a symbol: use a string')
    }
    let copy: Record<string, unknown> | undefined
    let isHostile = false
    const keys = Object.keys(object)
    this.cost.addMemory(objectMemory(keys.length))
    for (const key of keys) {
      if (key === '__proto__' || !isPlainText(key)) isHostile = true
      this.cost.addBytes(key.length + 2)
      const value = this.#read(object, key)
      const inner = this.#child(key, value)
      if (!Object.is(inner, value)) {
        copy ??= { __proto__: null, ...object } as Record<string, unknown>
        copy[key] = inner
      }
    }
    const prepared = copy ?? object
    if (!isHostile) return prepared
    return this.#wrap(
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
    this.cost.addBytes(array.length)
    this.cost.addMemory(ELEMENT_MEMORY * array.length)
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
      this.cost.addBytes(2)
      this.cost.addMemory(KEY_MEMORY)
      data.push(index, this.#child(index, array[index]))
    }
    return this.#wrap('sparse', data)
  }

  #map(map: Map<unknown, unknown>): unknown {
    this.cost.addBytes(2 * map.size)
    this.cost.addMemory(EXTRA_MEMORY + ENTRY_MEMORY * map.size)
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
    this.cost.addBytes(set.size)
    this.cost.addMemory(EXTRA_MEMORY + ENTRY_MEMORY * set.size)
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
    return this.#wrap('error', data)
  }

  #read(object: object, key: string): unknown {
    try {
      return (object as Record<string, unknown>)[key]
    } catch (error) {
      this.#position.down(key)
      return this.#position.refuse(`cannot be read: ${messageOf(error)}`, error)
    }
  }

  #child(step: PathStep, value: unknown): unknown {
    if (typeof value === 'number' && value !== 0) return value
    this.#position.down(step)
    const prepared = this.#prepare(value)
    this.#position.up()
    return prepared
  }
}
