/**
 * Values to bytes and back (CBOR, RFC 8949, through cbor-x).
 *
 * A value is checked before it is encoded, so that what cannot arrive as it left is refused with its path. The few values
 * that structured clone carries and plain CBOR does not are wrapped in one private tag. Bytes are checked before they are
 * decoded, so that damaged ones are refused too.
 */
import { DamagedError, ValueError } from '../errors/errors.js'
import { Encoder } from './cbor.js'
import type { Limit } from './cost.js'
import { Preparation } from './prepare.js'
import { assertWellFormed } from './well-formed.js'

type Cbor = Encoder & { useBuffer(buffer: Uint8Array): void }

/** Replaced when it has thrown while decoding: what it was in the middle of would change what it makes of later bytes. */
let cbor = newEncoder()

function newEncoder(): Cbor {
  return new Encoder({
    useRecords: false,
    tagUint8Array: true,
    mapsAsObjects: true,
    // Else an object of more than 65,535 keys would be encoded with a wrong count.
    variableMapSize: true,
    copyBuffers: true,
  } as ConstructorParameters<typeof Encoder>[0]) as Cbor
}

/** The encoder's buffer, which values share one after another: as large as it makes it itself, and as it may become. */
const BUFFER_BYTES = 8192
const MOST_BUFFER_BYTES = 65_536

/** From this size on a value gets a buffer of its own, made for it, with room before it for what is stored with it. */
const LARGE_BYTES = 32_768
const ROOM_BYTES = 256

/** The buffers whose room has not been taken. */
const roomy = new WeakSet<ArrayBufferLike>()

/** The encoding of `undefined`, by far the most common output. */
export const UNDEFINED: Uint8Array = Uint8Array.of(0xf7)

/**
 * Encodes a value, naming it `name` in errors. The bytes may be a view on a larger shared buffer: copy them, never transfer
 * them.
 *
 * @throws {ValueError} it holds a function, symbol, promise, class instance, cycle, or nests deeper than 500 levels.
 * @throws {TooLargeError} it takes more bytes than `limit`, or than 1 GiB; or it would take too much memory when it is decoded.
 */
export function encode(value: unknown, name: string, limit?: Limit): Uint8Array {
  if (value === undefined) return UNDEFINED
  // The most common values need no walk; zero may be -0.
  if (typeof value === 'boolean' || (typeof value === 'number' && value !== 0)) {
    const bytes = bytesOf(value)
    if (!limit || bytes.byteLength <= limit.bytes) return bytes
  }
  const preparation = new Preparation(name, limit)
  const prepared = preparation.prepare(value)
  const bytes = encodePrepared(prepared, name, preparation.cost.bytes)
  preparation.cost.checkBytes(bytes.byteLength)
  return bytes
}

/**
 * The `size` bytes that lie right before an encoded value, if that is large and they are free, and the value: for who stores it
 * with a few bytes of his own before it, and would have to copy it else. Only once for each value.
 */
export function takeRoomBefore(bytes: Uint8Array, size: number): Buffer | undefined {
  const { buffer, byteOffset, byteLength } = bytes
  if (byteLength < LARGE_BYTES || size > ROOM_BYTES || !roomy.delete(buffer)) return undefined
  return Buffer.from(buffer, byteOffset - size, size + byteLength)
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
  } catch (cause) {
    throw new DamagedError(cause)
  }
  try {
    // Given another kind of view, cbor-x would give back Buffers as that kind.
    return cbor.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (cause) {
    cbor = newEncoder()
    throw new DamagedError(cause)
  }
}

function encodePrepared(prepared: unknown, name: string, size: number): Uint8Array {
  try {
    return size < LARGE_BYTES ? bytesOf(prepared) : largeBytesOf(prepared, size)
  } catch (cause) {
    // A getter may give something else the second time.
    throw new ValueError(name, `cannot be encoded: ${String(cause)}`, { cause })
  }
}

/** A buffer that one large value has made large is not shared with the next: a few small ones would keep all of it in memory. */
function bytesOf(value: unknown): Uint8Array {
  const bytes = cbor.encode(value)
  if (bytes.buffer.byteLength > MOST_BUFFER_BYTES) shareNewBuffer()
  return bytes
}

/** Left to itself, the encoder makes a buffer of four times the size, and copies more than once. */
function largeBytesOf(value: unknown, size: number): Uint8Array {
  const own = Buffer.allocUnsafeSlow(ROOM_BYTES + size + (size >> 4) + BUFFER_BYTES)
  cbor.useBuffer(own.subarray(ROOM_BYTES))
  try {
    const bytes = cbor.encode(value)
    // Text may take more bytes than it has characters: then it is in another buffer.
    if (bytes.buffer === own.buffer) roomy.add(own.buffer)
    return bytes
  } finally {
    shareNewBuffer()
  }
}

function shareNewBuffer(): void {
  cbor.useBuffer(Buffer.allocUnsafeSlow(BUFFER_BYTES))
}
