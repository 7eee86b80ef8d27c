/** JavaScript's own error classes by their names, for errors that are made again from data. */

const CLASSES: ReadonlyMap<string, (message: string) => Error> = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]
    .map((Type): [string, (message: string) => Error] => [Type.name, (message) => new Type(message)])
    .concat([['AggregateError', (message) => new AggregateError([], message)]]),
)

/** An instance of the class of this name, or of `Error`. */
export function builtInError(name: string, message: string): Error {
  return CLASSES.get(name)?.(message) ?? new Error(message)
}
