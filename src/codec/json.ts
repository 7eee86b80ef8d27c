/**
 * Values as JSON can hold them. What JSON does not know is written as follows; the CBOR that is stored keeps the value itself.
 *
 * | value | in JSON |
 * |---|---|
 * | bigint | its digits, as text |
 * | Map, Set | an array of its entries or members |
 * | an error | `{ name, message }` and its own members |
 * | a regular expression | its source, as text |
 * | bytes (ArrayBuffer, Uint8Array, Buffer, DataView) | base64 |
 * | another typed array | an array of its numbers |
 * | NaN, Infinity | null |
 */

/** The value as `JSON.stringify` can write it, without loss where JSON can hold it. Never throws for what `decode` gives. */
export function toJsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof RegExp) return String(value)
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64')
  if (ArrayBuffer.isView(value)) return viewAsJson(value)
  if (Array.isArray(value)) return Array.from(value, toJsonValue)
  if (value instanceof Map) return [...value].map(([key, each]) => [toJsonValue(key), toJsonValue(each)])
  if (value instanceof Set) return [...value].map(toJsonValue)
  if (value instanceof Error) {
    const { name, message } = value
    return { name, message, ...membersAsJson(value) }
  }
  return membersAsJson(value)
}

function viewAsJson(view: ArrayBufferView): unknown {
  if (view instanceof Uint8Array || view instanceof DataView)
    return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64')
  return Array.from(view as unknown as ArrayLike<number | bigint>, toJsonValue)
}

function membersAsJson(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, each]) => [key, toJsonValue(each)]))
}
