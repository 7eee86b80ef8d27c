/**
 * Values to bytes and back (CBOR, RFC 8949, through cbor-x).
 *
 * A value is checked before it is encoded, so that what cannot arrive as it left is refused with its path. The few values
 * that structured clone carries and plain CBOR does not are wrapped in one private tag, see {@link Wrapped}.
 */
import { addExtension, Encoder } from 'cbor-x'
import { TooLargeError, ValueError } from './errors.js'

/** Deeper nesting is refused: it could not be decoded without exhausting a thread's stack. */
const MAX_DEPTH = 500

const cbor = new Encoder({ useRecords: false, tagUint8Array: true, mapsAsObjects: true, copyBuffers: true })

/** The encoding of `undefined`, by far the most common output. */
const UNDEFINED = Uint8Array.of(0xf7)

/**
 * Encodes a value, naming it `name` in errors. The bytes may be a view on a larger shared buffer: copy them, never transfer
 * them.
 *
 * @throws {ValueError} it holds a function, symbol, promise, class instance, cycle, or nests deeper than 500 levels.
 * @throws {TooLargeError} it takes more than `limit` bytes.
 */
export function encode(value: unknown, name: string, limit = Number.POSITIVE_INFINITY): Uint8Array {
  if (value === undefined) return UNDEFINED
  const needsWalk = typeof value !== 'boolean' && (typeof value !== 'number' || value === 0)
  const bytes: Uint8Array = cbor.encode(needsWalk ? new Walk(name, limit).prepare(value) : value)
  if (bytes.byteLength > limit) throw new TooLargeError(name, limit)
  return bytes
}

/** Decodes what `encode` made. */
export function decode(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 1 && bytes[0] === UNDEFINED[0]) return undefined
  // Given another kind of view, cbor-x would give back Buffers as that kind.
  return cbor.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}

/** Encodes millrace's own data, which needs no check. */
export function encodeTrusted(value: object): Uint8Array {
  return cbor.encode(value)
}

/**
 * One check of one value. It hands back the value itself, or a copy in which the parts that CBOR would lose are wrapped;
 * only the way down to such a part is copied.
 */
class Walk {
  readonly #name: string
  readonly #limit: number
  readonly #keys: unknown[] = []
  readonly #ancestors: object[] = []
  #visited = 0

  constructor(name: string, limit: number) {
    this.#name = name
    this.#limit = limit
  }

  prepare(value: unknown): unknown {
    switch (typeof value) {
      case 'number':
        return Object.is(value, -0) ? new Wrapped('-0', null) : value
      case 'string':
        // UTF-8, and so CBOR, has no unpaired surrogates.
        return value.isWellFormed() ? value : new Wrapped('utf16', Buffer.from(value, 'utf16le'))
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

  #object(value: object): unknown {
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof ArrayBuffer) {
        return value instanceof DataView
          ? new Wrapped('dataview', Buffer.from(value.buffer, value.byteOffset, value.byteLength))
          : value
      }
      return this.#refuse('is a view on shared memory: copy it first')
    }
    if (value instanceof Date || value instanceof RegExp) return value
    if (value instanceof ArrayBuffer) return new Wrapped('arraybuffer', Buffer.from(value))
    if (this.#ancestors.includes(value))
      return this.#refuse('refers back to an object that holds it (a cycle)')
    if (this.#ancestors.length >= MAX_DEPTH) return this.#refuse(`is nested deeper than ${MAX_DEPTH} levels`)
    // An object met through many paths is encoded once for each: count, so that a small graph cannot become a huge tree.
    if (++this.#visited > this.#limit) throw new TooLargeError(this.#name, this.#limit)
    this.#ancestors.push(value)
    const prepared = this.#container(value)
    this.#ancestors.pop()
    return prepared
  }

  #container(value: object): unknown {
    if (Array.isArray(value)) return this.#array(value)
    if (value instanceof Map) return this.#map(value)
    if (value instanceof Set) return this.#set(value)
    if (value instanceof Error) return new Wrapped('error', this.#error(value))
    const prototype: unknown = Object.getPrototypeOf(value)
    // A prototype without a prototype is some realm's Object.prototype.
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      const kind = value.constructor?.name || 'class'
      return this.#refuse(
        value instanceof Promise
          ? 'is a Promise: await it first'
          : `is an instance of ${kind}: send its data as a plain object`,
      )
    }
    return this.#plain(value as Record<string, unknown>)
  }

  #plain(object: Record<string, unknown>): unknown {
    const symbols = Object.getOwnPropertySymbols(object)
    if (symbols.length > 0) {
      this.#keys.push(symbols[0])
      return this.#refuse('is keyed by a symbol: use a string')
    }
    let copy: Record<string, unknown> | undefined
    let hostile = false
    for (const key of Object.keys(object)) {
      if (key === '__proto__' || !key.isWellFormed()) hostile = true
      const inner = this.#child(key, object[key])
      if (!Object.is(inner, object[key])) {
        copy ??= { __proto__: null, ...object } as Record<string, unknown>
        copy[key] = inner
      }
    }
    const prepared = copy ?? object
    return hostile
      ? new Wrapped(
          'entries',
          Object.entries(prepared).map(([key, inner]) => [this.prepare(key), inner]),
        )
      : prepared
  }

  #array(array: unknown[]): unknown {
    let copy: unknown[] | undefined
    let holes = false
    for (let index = 0; index < array.length; index++) {
      const value = array[index]
      if (value === undefined && !(index in array)) holes = true
      const inner = this.#child(index, value)
      if (!Object.is(inner, value)) {
        copy ??= [...array]
        copy[index] = inner
      }
    }
    if (!holes) return copy ?? array
    const dense = copy ?? array
    const entries = Object.keys(array).map((index) => [Number(index), dense[Number(index)]])
    return new Wrapped('sparse', [array.length, entries])
  }

  #map(map: Map<unknown, unknown>): unknown {
    const entries = [...map].map(
      ([key, value]) => [this.#child('(key)', key), this.#child(key, value)] as const,
    )
    return new Map(entries)
  }

  #set(set: Set<unknown>): unknown {
    return new Set([...set].map((value, index) => this.#child(index, value)))
  }

  #error(error: Error): unknown {
    const { name, message, stack, cause } = error
    return this.#plain({ ...error, name, message, stack, ...(cause !== undefined && { cause }) })
  }

  #child(key: unknown, value: unknown): unknown {
    if (typeof value === 'number' && value !== 0) return value
    this.#keys.push(key)
    const prepared = this.prepare(value)
    this.#keys.pop()
    return prepared
  }

  #refuse(what: string): never {
    const path = this.#keys.map((key) =>
      typeof key === 'string'
        ? /^[A-Za-z_$][\w$]*$/.test(key)
          ? `.${key}`
          : `[${JSON.stringify(key)}]`
        : `[${String(key)}]`,
    )
    throw new ValueError(this.#name + path.join(''), what)
  }
}

type WrappedKind = '-0' | 'utf16' | 'arraybuffer' | 'dataview' | 'entries' | 'sparse' | 'error'

/** A value that CBOR itself would change: what it is, and data from which it can be made again. */
class Wrapped {
  constructor(
    readonly kind: WrappedKind,
    readonly data: unknown,
  ) {}
}

/** From the first-come, first-served range of CBOR tags; millrace alone reads its own directories. */
const WRAPPED_TAG = 0x6d696c6c

addExtension({
  Class: Wrapped,
  tag: WRAPPED_TAG,
  encode: ({ kind, data }: Wrapped, encodeInner: (value: unknown) => Uint8Array) => encodeInner([kind, data]),
  decode: ([kind, data]: [WrappedKind, unknown]) => unwrap(kind, data),
} as Parameters<typeof addExtension>[0])

function unwrap(kind: WrappedKind, data: unknown): unknown {
  switch (kind) {
    case '-0':
      return -0
    case 'utf16':
      return (data as Buffer).toString('utf16le')
    case 'arraybuffer':
      return copyOf(data as Buffer)
    case 'dataview':
      return new DataView(copyOf(data as Buffer))
    case 'entries':
      return fromEntries(data as [string, unknown][])
    case 'sparse': {
      const [length, entries] = data as [number, [number, unknown][]]
      const array: unknown[] = new Array(length)
      for (const [index, value] of entries) array[index] = value
      return array
    }
    case 'error': {
      const { name, message, ...rest } = data as Error
      const error = new (ERRORS.get(name) ?? Error)(message)
      if (error.name !== name) define(error, 'name', name, false)
      for (const [key, value] of Object.entries(rest))
        define(error, key, value, key !== 'stack' && key !== 'cause')
      return error
    }
    default:
      throw new RangeError(`unknown kind of value ${JSON.stringify(kind)}`)
  }
}

const ERRORS: ReadonlyMap<string, ErrorConstructor> = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [type.name, type]),
)

function copyOf(bytes: Buffer): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
}

/** Not `Object.fromEntries`: it too defines `__proto__` as data, but says so less plainly. */
function fromEntries(entries: [string, unknown][]): object {
  const object = {}
  for (const [key, value] of entries) define(object, key, value, true)
  return object
}

function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true })
}
