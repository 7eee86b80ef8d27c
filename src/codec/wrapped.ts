/**
 * Values that CBOR itself would change, wrapped in one private tag: what each is, and data from which it can be made again.
 *
 * The data stand flat behind the kind, so that a wrapped value nests two levels deep and not more, see `MAX_DEPTH`.
 */
import { builtInError } from '../errors/built-in-errors.js'
import { addExtension } from './cbor.js'

export type Kind =
  | '-0'
  | 'bigint'
  | 'date'
  | 'utf16'
  | 'regexp'
  | 'arraybuffer'
  | 'dataview'
  | 'entries'
  | 'sparse'
  | 'error'

export class Wrapped {
  readonly kind: Kind
  readonly data: readonly unknown[]

  constructor(kind: Kind, data: readonly unknown[]) {
    this.kind = kind
    this.data = data
  }
}

/** UTF-8, and so CBOR, has no unpaired surrogates, and some decoders take a byte order mark away. */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && text.charCodeAt(0) !== 0xfeff
}

/** From the first-come, first-served range of CBOR tags; millrace alone reads its own directories. */
export const WRAPPED_TAG = 0x6d696c6c

addExtension({
  Class: Wrapped,
  tag: WRAPPED_TAG,
  encode: ({ kind, data }: Wrapped, encodeInner: (value: unknown) => Uint8Array) =>
    encodeInner([kind, ...data]),
  decode: ([kind, ...data]: [Kind, ...unknown[]]) => unwrap(kind, data),
} as Parameters<typeof addExtension>[0])

function unwrap(kind: Kind, data: unknown[]): unknown {
  switch (kind) {
    case '-0':
      return -0
    case 'bigint':
      return bigintOf(data[0] as string)
    case 'date':
      return new Date(data[0] as number)
    case 'utf16':
      return (data[0] as Buffer).toString('utf16le')
    case 'regexp':
      return new RegExp(data[0] as string, data[1] as string)
    case 'arraybuffer':
      return copyOf(data[0] as Buffer)
    case 'dataview':
      return new DataView(copyOf(data[0] as Buffer))
    case 'entries':
      return defineAll({}, data)
    case 'sparse':
      return sparseArray(data as number[])
    case 'error':
      return errorOf(data)
    default:
      throw new TypeError(`unknown kind of value ${JSON.stringify(kind)}`)
  }
}

function bigintOf(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`)
}

function copyOf(bytes: Buffer): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
}

function sparseArray(data: readonly unknown[]): unknown[] {
  const length = data[0] as number
  const array: unknown[] = []
  // V8 sets memory aside for the places of an array, but not for those of an array with an element that is far away.
  if (length > 4 * data.length) {
    array[FAR_INDEX] = undefined
    delete array[FAR_INDEX]
  }
  array.length = length
  for (const [index, value] of pairs(data, 1)) array[Number(index)] = value
  return array
}

const FAR_INDEX = 2 ** 30

function errorOf(data: readonly unknown[]): Error {
  const { name, message } = Object.fromEntries(pairs(data, 0)) as { name: string; message: string }
  const error = builtInError(name, message)
  for (const [key, value] of pairs(data, 0)) {
    const isBuiltIn =
      ['name', 'message', 'stack', 'cause'].includes(key) ||
      (key === 'errors' && error instanceof AggregateError)
    if ((key !== 'name' && key !== 'message') || (error as unknown as Record<string, unknown>)[key] !== value)
      define(error, key, value, !isBuiltIn)
  }
  return error
}

function* pairs(data: readonly unknown[], from: number): Generator<[string, unknown]> {
  for (let at = from; at < data.length; at += 2) yield [data[at] as string, data[at + 1]]
}

/** Defines, so that `__proto__` too is data. */
function defineAll(object: object, data: readonly unknown[]): object {
  for (const [key, value] of pairs(data, 0)) define(object, key, value, true)
  return object
}

function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true })
}
