/**
 * How much memory a decoded value takes, estimated by what it is made of: a few bytes can stand for a hundred times as much. The
 * figures are those of V8, in bytes.
 */

/** An object, array, Map or Set, without its members. */
export const CONTAINER_MEMORY = 64
/** A place in an array. */
export const ELEMENT_MEMORY = 8
/** A place in a Map or a Set. */
export const ENTRY_MEMORY = 64
/** A key of an object, with the place of its value. */
export const KEY_MEMORY = 32
/** A key of an object that has many keys, in a table of its own, beside that. */
const TABLE_MEMORY = 64
const MANY_KEYS = 1024
/** A string, beside its characters. */
export const TEXT_MEMORY = 24
/** A Map, Set, date, view, or a value that is wrapped, beside what it holds. */
export const EXTRA_MEMORY = 192

/** What a value may take: a heap has 2 to 4 GB by default. Bytes and the characters of strings are not counted. */
export const MOST_MEMORY = 2 ** 29

/** The keys of an object. */
export function objectMemory(keys: number): number {
  return keys * (keys > MANY_KEYS ? KEY_MEMORY + TABLE_MEMORY : KEY_MEMORY)
}
