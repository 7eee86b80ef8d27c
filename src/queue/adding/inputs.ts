/** The checks of `enqueueMany` and `map`: what gives inputs, and how each gets its key. */

import { OptionError } from '../../errors/errors.js'
import { show } from '../../errors/option-checks.js'
import type { EnqueueOptions } from '../../job/enqueue-options.js'

/** How several jobs are enqueued: a key belongs to one job, so each needs its own. */
export interface EnqueueManyOptions<Input = unknown> extends Omit<EnqueueOptions, 'key'> {
  /** Gives each input its key. */
  key?: ((input: Input, index: number) => string) | string
}

/** @throws {OptionError} `inputs` gives no inputs one by one. A text or a Buffer is one value, and not a list. */
export function checkIterable(method: string, inputs: unknown): void {
  const isIterable =
    typeof inputs === 'object' &&
    inputs !== null &&
    (Symbol.iterator in inputs || (method === 'map' && Symbol.asyncIterator in inputs))
  if (!isIterable || inputs instanceof String || Buffer.isBuffer(inputs))
    throw new OptionError(
      `the inputs of ${method}() must be an array or another iterable, got ${show(inputs)}: for one job, use enqueue()`,
    )
}

/** The options of one of several jobs. */
export function optionsOf<Input>(
  { key, ...rest }: EnqueueManyOptions<Input>,
  input: Input,
  index: number,
): EnqueueOptions {
  if (key === undefined) return rest
  return { ...rest, key: typeof key === 'function' ? key(input, index) : key }
}

/** @throws {OptionError} several jobs are to have one key: all but the first would not be added. */
export function checkKeys(key: unknown, count: number): void {
  if (count > 1 && typeof key === 'string')
    throw new OptionError(
      `${count} inputs cannot share the key ${show(key)}: give a key for each, { key: (input, index) => … }`,
    )
}
