/** An event emitter whose listeners are typed by the names of its events. An unknown name does not compile. */
import { EventEmitter } from 'node:events'

type Listener<Args> = Args extends readonly unknown[] ? (...args: Args) => void : never

/** Node's `EventEmitter`, for the events of `Events` (names to arguments) only. */
export interface TypedEmitter<Events> {
  on<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this
  once<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this
  off<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this
  addListener<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this
  removeListener<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this
  prependListener<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this
  prependOnceListener<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): this
  removeAllListeners(name?: keyof Events & string): this
  listenerCount(name: keyof Events & string): number
  listeners(name: keyof Events & string): ((...args: never[]) => void)[]
  rawListeners(name: keyof Events & string): ((...args: never[]) => void)[]
  eventNames(): (keyof Events & string)[]
  emit<Name extends keyof Events & string>(
    name: Name,
    ...args: Events[Name] extends readonly unknown[] ? Events[Name] : never
  ): boolean
  setMaxListeners(most: number): this
  getMaxListeners(): number
}

// The cast gives the emitter the narrower type: what runs is Node's own.
export const TypedEmitter = EventEmitter as unknown as new <Events>() => TypedEmitter<Events>
