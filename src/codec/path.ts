/** The path to a part of a value, as errors show it: `input.items[3].onDone`. */

/** A key of an object, an index of an array, or a function that gives the text to show. */
export type PathStep = string | number | (() => string)

/** A longer path is shown without its middle: this many steps remain at each end. */
const SHOWN_STEPS = 15

export function showPath(steps: readonly PathStep[]): string {
  const shown = steps.map((step) => {
    if (typeof step === 'function') return step()
    return typeof step === 'string' && /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${showKey(step)}]`
  })
  if (shown.length > 2 * SHOWN_STEPS) shown.splice(SHOWN_STEPS, shown.length - 2 * SHOWN_STEPS, '…')
  return shown.join('')
}

/** The step to a value of a Map: by its key, if that is a primitive, else by its place. */
export function mapStep(key: unknown, place: number): string {
  const isPrimitive = key === null || !['object', 'function', 'symbol'].includes(typeof key)
  return isPrimitive ? `.get(${showKey(key)})` : `.values()[${place}]`
}

function showKey(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : typeof key === 'bigint' ? `${key}n` : String(key)
}
