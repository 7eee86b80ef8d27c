/**
 * Values to bytes and back (CBOR, RFC 8949, through cbor-x).
 *
 * A value is checked before it is encoded, so that what cannot arrive as it left is refused with its path. The few values
 * that structured clone carries and plain CBOR does not are wrapped in one private tag. Bytes are checked before they are
 * decoded, so that damaged ones are refused too.
 */
import { Encoder } from 'cbor-x'
import { Preparation } from './codec/prepare.js'
import { assertWellFormed } from './codec/well-formed.js'
import { DamagedError, TooLargeError, ValueError } from './errors.js'

const cbor = new Encoder({
  useRecords: false,
  tagUint8Array: true,
  mapsAsObjects: true,
  // Else an object of more than 65,535 keys would be encoded with a wrong count.
  variableMapSize: true,
  copyBuffers: true,
} as ConstructorParameters<typeof Encoder>[0]) as Encoder & { useBuffer(buffer: Uint8Array): void }

/** The encoder's buffer, which values share one after another: as large as it makes it itself, and as it may become. */
const BUFFER_BYTES = 8192
const MOST_BUFFER_BYTES = 65_536

/** The encoding of `undefined`, by far the most common output. */
export const UNDEFINED: Uint8Array = Uint8Array.of(0xf7)

/** What can be encoded at all, in bytes. */
const LARGEST = 2 ** 30

/** A limit that the application set. */
export interface Limit {
  readonly bytes: number
  /** The option that set it. */
  readonly option: string
}

/**
 * Encodes a value, naming it `name` in errors. The bytes may be a view on a larger shared buffer: copy them, never transfer
 * them.
 *
 * @throws {ValueError} it holds a function, symbol, promise, class instance, cycle, or nests deeper than 500 levels.
 * @throws {TooLargeError} it takes more bytes than `limit`, or than 1 GiB.
 */
export function encode(value: unknown, name: string, limit?: Limit): Uint8Array {
  if (value === undefined) return UNDEFINED
  const most = limit?.bytes ?? LARGEST
  const needsWalk = typeof value !== 'boolean' && (typeof value !== 'number' || value === 0)
  const prepared = needsWalk ? new Preparation(name, most, limit?.option).prepare(value) : value
  const bytes = encodePrepared(prepared, name)
  if (bytes.byteLength > most) throw new TooLargeError(name, most, limit?.option)
  return bytes
}

/**
 * Decodes what `encode` made. Nothing in the value refers to the bytes.
 *
 * @throws {DamagedError} the bytes are not what `encode` made.
 */
export function decode(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 1 && bytes[0] === UNDEFINED[0]) return undefined
  try {
    assertWellFormed(bytes)
    // Given another kind of view, cbor-x would give back Buffers as that kind.
    return cbor.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (cause) {
    throw new DamagedError(cause)
  }
}

/** Encodes millrace's own data, which needs no check. */
export function encodeTrusted(value: object): Uint8Array {
  return bytesOf(value)
}

function encodePrepared(prepared: unknown, name: string): Uint8Array {
  try {
    return bytesOf(prepared)
  } catch (cause) {
    // A getter may give something else the second time.
    throw new ValueError(name, `cannot be encoded: ${String(cause)}`, { cause })
  }
}

/** A buffer that one large value has made large is not shared with the next: a few small ones would keep all of it in memory. */
function bytesOf(value: unknown): Uint8Array {
  const bytes = cbor.encode(value)
  if (bytes.buffer.byteLength > MOST_BUFFER_BYTES) cbor.useBuffer(Buffer.allocUnsafeSlow(BUFFER_BYTES))
  return bytes
}
