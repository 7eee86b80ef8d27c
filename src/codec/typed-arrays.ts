/** The typed arrays that can be encoded. */

const TYPED_ARRAYS = new Map(
  [
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
    BigUint64Array,
    Int8Array,
    Int16Array,
    Int32Array,
    BigInt64Array,
    Float32Array,
    Float64Array,
  ].map((type) => [type.name, type]),
)

/**
 * The array as an instance of the built-in class of this realm, without a copy of its data. The encoder chooses the encoding by
 * the constructor, which may be a subclass or come from another realm.
 *
 * @returns `undefined` for a type that cannot be encoded, such as Float16Array.
 */
export function asBuiltIn(array: NodeJS.TypedArray): NodeJS.TypedArray | undefined {
  const type = TYPED_ARRAYS.get(array[Symbol.toStringTag])
  if (!type || array.constructor === type) return type && array
  return new type(array.buffer as ArrayBuffer, array.byteOffset, array.length)
}
