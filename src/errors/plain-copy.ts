/** Bounded copies of values that come with an error: what can be sent, as plain data. */
import { types } from 'node:util'
import { Allowance } from './allowance.js'

/** Deeper containers are named, not copied. */
const MAX_DEPTH = 4

/** The copies of the members whose values can be sent. What exceeds the allowance is counted under the key `…`. */
export function copyMembers(
  object: object,
  keys: readonly string[],
  allowance: Allowance,
  above: readonly object[],
): Record<string, unknown> {
  const members: [string, unknown][] = []
  for (const [index, key] of keys.entries()) {
    if (!allowance.takePart()) {
      members.push(['…', `${keys.length - index} more members`])
      break
    }
    const value = readMember(object, key)
    if (typeof value === 'function' || typeof value === 'symbol') continue
    members.push([allowance.text(key), plainCopy(value, allowance, above)])
  }
  // Defines its members: `__proto__` is one like any other.
  return Object.fromEntries(members)
}

/** A member's value. One that cannot be read gives a text that says so. */
export function readMember(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key]
  } catch {
    return '(cannot be read)'
  }
}

/** The names of the own enumerable members. */
export function keysOf(object: object): string[] {
  try {
    return Object.keys(object)
  } catch {
    return []
  }
}

/** A copy that shares nothing with the value and can be encoded. Never throws. `above`: the objects that hold the value. */
export function plainCopy(value: unknown, allowance: Allowance, above: readonly object[]): unknown {
  switch (typeof value) {
    case 'string':
      return allowance.text(value)
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? value : '[BigInt]'
    case 'function':
      return '[Function]'
    case 'symbol':
      return '[Symbol]'
    case 'object':
      return value === null ? null : copyObject(value, allowance, above)
    default:
      return value
  }
}

function copyObject(object: object, allowance: Allowance, above: readonly object[]): unknown {
  if (above.includes(object)) return '[Circular]'
  try {
    return copyKnown(object, allowance, [...above, object])
  } catch {
    return '(cannot be read)'
  }
}

function copyKnown(object: object, allowance: Allowance, above: readonly object[]): unknown {
  if (types.isDate(object)) return new Date(object.getTime())
  if (types.isRegExp(object)) return allowance.text(String(object))
  if (ArrayBuffer.isView(object))
    return types.isUint8Array(object) && allowance.takeBytes(object.byteLength)
      ? Uint8Array.from(object)
      : `[${nameOf(object)} of ${object.byteLength} bytes]`
  const isDeep = above.length > MAX_DEPTH
  if (types.isNativeError(object)) {
    const keys = new Set(['name', 'message', 'stack', ...keysOf(object)])
    return isDeep ? '[Error]' : copyMembers(object, [...keys], allowance, above)
  }
  if (Array.isArray(object)) return isDeep ? '[Array]' : copyItems(object, object.length, allowance, above)
  if (types.isSet(object)) return isDeep ? '[Set]' : new Set(copyItems(object, object.size, allowance, above))
  if (types.isMap(object)) return isDeep ? '[Map]' : new Map(copyEntries(object, allowance, above))
  const prototype: unknown = Object.getPrototypeOf(object)
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  if (!isPlain || isDeep) return `[${nameOf(object)}]`
  return copyMembers(object, keysOf(object), allowance, above)
}

function copyItems(
  items: Iterable<unknown>,
  count: number,
  allowance: Allowance,
  above: readonly object[],
): unknown[] {
  const copies: unknown[] = []
  for (const item of items) {
    if (!allowance.takePart()) {
      copies.push(`… ${count - copies.length} more items`)
      break
    }
    copies.push(plainCopy(item, allowance, above))
  }
  return copies
}

function copyEntries(
  map: ReadonlyMap<unknown, unknown>,
  allowance: Allowance,
  above: readonly object[],
): [unknown, unknown][] {
  const copies: [unknown, unknown][] = []
  for (const [key, value] of map) {
    if (!allowance.takePart()) {
      copies.push(['…', `${map.size - copies.length} more entries`])
      break
    }
    copies.push([plainCopy(key, allowance, above), plainCopy(value, allowance, above)])
  }
  return copies
}

/** A thrown object, or a cause, as text: its JSON, with the contents of Maps and Sets. */
export function showThrown(value: object, above: readonly object[]): string {
  const copy = plainCopy(value, new Allowance(), above)
  if (copy !== `[${nameOf(value)}]`) return JSON.stringify(copy, asJson)
  // An instance of a class is shown with its members all the same.
  const members = copyMembers(value, keysOf(value), new Allowance(), [...above, value])
  return `${nameOf(value)} ${JSON.stringify(members, asJson)}`
}

function asJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  return value instanceof Map || value instanceof Set ? [...value] : value
}

/** Errors of this realm and of others, and objects that look like errors. */
export function isError(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (types.isNativeError(value)) return true
  try {
    const { name, message } = value as { name?: unknown; message?: unknown }
    return typeof name === 'string' && typeof message === 'string'
  } catch {
    return false
  }
}

function nameOf(object: object): string {
  const { name } = (object.constructor ?? Object) as { name?: unknown }
  return typeof name === 'string' && name !== '' ? name.slice(0, 100) : 'Object'
}
