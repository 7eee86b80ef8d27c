/** Bytes that no compression makes smaller, the same for the same seed, cheaply. */
import { chanceOf } from '../support/chance.js'

const PIECE_BYTES = 65_536

/** Fills it with pieces of noise, each with its number in front, so that none can stand in another's place. */
export function fillNoise<T extends Uint8Array>(bytes: T, seed: number): T {
  const chance = chanceOf(seed)
  const noise = Uint8Array.from({ length: PIECE_BYTES }, () => chance.below(256))
  const view = new DataView(noise.buffer)
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    view.setUint32(0, at / PIECE_BYTES)
    bytes.set(noise.subarray(0, Math.min(PIECE_BYTES, bytes.length - at)), at)
  }
  return bytes
}
