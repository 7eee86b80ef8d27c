/**
 * What is checked of bytes before they are decoded: that they are one whole value of the kinds that `encode` writes.
 *
 * Damaged bytes could otherwise exhaust the stack or the memory, or leave the decoder in a state that spoils what it decodes
 * next. One pass without recursion, which skips over strings and bytes.
 */
import {
  CONTAINER_MEMORY,
  ELEMENT_MEMORY,
  ENTRY_MEMORY,
  EXTRA_MEMORY,
  MOST_MEMORY,
  objectMemory,
  TEXT_MEMORY,
} from './memory.js'
import { MAX_DEPTH } from './position.js'
import { WRAPPED_TAG } from './wrapped.js'

/** A container is an array or map, with a tag before it if it is wrapped, a Map or a Set; in the last one is a leaf. */
const MAX_NESTING = 2 * MAX_DEPTH + 4

const DATE_TAG = 1
const SET_TAG = 258
const MAP_TAG = 259

/** Twice what is encoded: a wrapped value takes more while it is decoded. */
const MOST_DECODED_MEMORY = 2 * MOST_MEMORY

/**
 * How much memory the decoded value takes, see `memory.ts`.
 *
 * @throws {TypeError} the bytes are not one whole value, or the value takes too much memory.
 */
export function assertWellFormed(bytes: Uint8Array): number {
  const end = bytes.byteLength
  const open: number[] = []
  let left = 1
  let at = 0
  let memory = 0
  /** The tag right before a part. */
  let tag = 0
  while (left > 0 || open.length > 0) {
    if (left === 0) {
      left = open.pop() as number
      continue
    }
    left--
    const first = byteAt(bytes, at++)
    const major = first >> 5
    const short = first & 31
    const width = short < 24 ? 0 : widthOf(short)
    if (width > end - at) throw new TypeError('it ends too early')
    if (major < 2 || major === 7) {
      tag = 0
      if (major === 7 && (short < 20 || short === 24)) throw new TypeError('it has an unknown simple value')
      at += width
      continue
    }
    let argument = short
    if (width > 0) {
      argument = 0
      for (const stop = at + width; at < stop; at++) argument = argument * 256 + byteAt(bytes, at)
    }
    let inner = argument
    if (major < 4) {
      if (argument > end - at) throw new TypeError('it ends too early')
      at += argument
      memory += memoryOf(major, argument, 0)
      tag = 0
      continue
    }
    if (major === 5) inner = 2 * argument
    if (major === 6) {
      if (!isKnownTag(argument) || (argument === MAP_TAG && byteAt(bytes, at) >> 5 !== 5))
        throw new TypeError(`it has an unknown tag ${argument}`)
      inner = 1
    }
    if (inner > end - at) throw new TypeError('it ends too early')
    memory += memoryOf(major, argument, tag)
    tag = major === 6 ? argument : 0
    if (inner === 0) continue
    if (open.length === MAX_NESTING) throw new TypeError('it is nested too deep')
    open.push(left)
    left = inner
  }
  if (memory > MOST_DECODED_MEMORY)
    throw new TypeError(`it would take more than ${MOST_DECODED_MEMORY} bytes of memory`)
  if (at !== end) throw new TypeError('it has bytes after its end')
  return memory
}

/** What a string, container or tag takes when it is decoded, without what it holds. */
function memoryOf(major: number, length: number, tag: number): number {
  switch (major) {
    case 3:
      return TEXT_MEMORY
    case 2:
    case 6:
      return EXTRA_MEMORY
    default:
      if (tag === MAP_TAG || tag === SET_TAG) return CONTAINER_MEMORY + ENTRY_MEMORY * length
      return (
        CONTAINER_MEMORY +
        (major === 4 ? ELEMENT_MEMORY * length : objectMemory(length) - TEXT_MEMORY * length)
      )
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new TypeError('it ends too early')
  return byte
}

function widthOf(short: number): number {
  if (short > 27) throw new TypeError('it has a part of indefinite length')
  return 1 << (short - 24)
}

function isKnownTag(tag: number): boolean {
  // Typed arrays have the tags from 64 on.
  return (
    (tag >= 64 && tag <= 86) || tag === WRAPPED_TAG || tag === MAP_TAG || tag === SET_TAG || tag === DATE_TAG
  )
}
