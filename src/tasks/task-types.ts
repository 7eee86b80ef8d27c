/** How types flow from a worker module to `enqueue` and `finished()`. */

// A worker's own parameters may be narrower than what is known here: `never` accepts any function.
type AnyFunction = (input: never, job: never) => unknown

/** A task's type: its function, or the module that exports it as default (`typeof import('./worker.js')`). */
export type TaskType = AnyFunction | { default: AnyFunction }

/** Task names and their types. */
export type TaskTypes<Tasks> = { [Name in keyof Tasks]: TaskType }

/** A task whose type was not given. */
export type UntypedTask = (input: unknown) => unknown

/** What is known of tasks whose types were not given. */
export type UntypedTasks = Record<string, UntypedTask>

type FunctionOf<Task> = Task extends { default: infer Exported } ? Exported : Task

/** What a task's jobs take. */
export type InputOf<Task> = FunctionOf<Task> extends (...args: infer Args) => unknown ? FirstOf<Args> : never

type FirstOf<Args extends unknown[]> = Args extends [] ? undefined : Args[0]

/** What a task's jobs give. */
export type OutputOf<Task> =
  FunctionOf<Task> extends (...args: never[]) => infer Output ? Awaited<Output> : never

/** The arguments after the task's name: the input may be left out where `undefined` is one. */
export type InputArgs<Input, Options> = undefined extends Input
  ? [input?: Sendable<Input>, options?: Options]
  : [input: Sendable<Input>, options?: Options]

/** In the place of a type whose values cannot be sent to a worker. No value has it. */
export interface CannotBeSent<What extends string> {
  readonly [reason: symbol]: What
  readonly 'this cannot be sent to a worker': What
}

/** What arrives as it is, though it has methods. */
type Plain =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | ArrayBufferView

/**
 * The type of an input as it may be sent: functions, symbols, promises and shared memory have no place in it, nor have objects with
 * methods, which are instances of classes.
 */
export type Sendable<T> = 0 extends 1 & T
  ? T
  : T extends Plain
    ? T
    : T extends (...args: never[]) => unknown
      ? CannotBeSent<'a function'>
      : T extends symbol
        ? CannotBeSent<'a symbol'>
        : T extends PromiseLike<unknown>
          ? CannotBeSent<'a promise: await it first'>
          : T extends SharedArrayBuffer
            ? CannotBeSent<'shared memory'>
            : T extends Map<infer Key, infer Value>
              ? Map<Sendable<Key>, Sendable<Value>>
              : T extends Set<infer Member>
                ? Set<Sendable<Member>>
                : T extends object
                  ? { [Key in keyof T]: Sendable<T[Key]> }
                  : T
