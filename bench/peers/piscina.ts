/** Piscina by itself: threads, and nothing stored. */
import { NOOP, openPiscina, SPIN } from '../subject.js'
import type { OpenPeer } from './peer.js'

export const piscina: OpenPeer = async (work) => {
  const pool = openPiscina(work === 'noop' ? NOOP : SPIN)
  const options = work === 'noop' ? {} : { name: work }
  return { run: (input) => pool.run(input, options), close: () => pool.destroy() }
}
