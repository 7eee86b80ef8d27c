/** Any value that can be sent, errors apart. */
import fc from 'fast-check'

export const anything = fc.anything({
  maxDepth: 4,
  key: fc.string({ unit: 'binary' }),
  values: [
    fc.constantFrom(null, undefined, true, false),
    fc.integer(),
    fc.double(),
    fc.string({ unit: 'binary' }),
    // An invalid date equals nothing, itself included.
    fc.date({ noInvalidDate: true }),
  ],
  withBigInt: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withNullPrototype: true,
})
