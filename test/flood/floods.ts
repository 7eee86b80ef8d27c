/** Every flood, by name. */
import type { Flood } from './flood.js'
import { large } from './large-flood.js'
import { backlog, due, keys, reject, wait } from './small-floods.js'

export const FLOODS: Readonly<Record<string, Flood>> = { wait, reject, backlog, due, keys, large }
