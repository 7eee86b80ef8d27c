/**
 * Password hashing with scrypt (RFC 7914), which takes a tenth of a second of a core, and so does not belong on the event loop.
 *
 * ```ts
 * const hash = await (await queue.enqueue('hash', { password })).finished()
 * const { valid } = await (await queue.enqueue('verify', { password, hash })).finished()
 * ```
 *
 * Mind that a queue stores its inputs: where a password must not touch the disk, call these functions without one.
 */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { UnrecoverableError } from '../src/worker.js'
import { checkInteger, checkMembers, checkText } from './internal/check.js'

export interface ScryptInput {
  password: string
  /** log2 of the cost: 1 to 20. Default 17, which takes 128 MiB (OWASP's recommendation of 2023). */
  logCost?: number
  /** Block size: 1 to 16. Default 8. */
  blockSize?: number
  /** Parallelism: 1 to 16. Default 1. */
  parallelism?: number
  /** 8 to 64 bytes. Default: 16 random bytes. */
  salt?: Uint8Array
  /** As for `verify`. */
  maxCost?: number
}

export interface VerifyInput {
  password: string
  /** What hashing gave. */
  hash: string
  /**
   * The most that hashing may cost, in MiB that are gone through: 128 × 2^logCost × blockSize × parallelism bytes. 1 to 65,536. Default
   * 512, four times that of the default parameters. Nothing can stop hashing half-way, so that a hash from a stranger must not ask for
   * more.
   */
  maxCost?: number
}

const HASH_BYTES = 32
const MIB = 1024 * 1024
const DEFAULT_MAX_COST = 512
const LIMITS = { logCost: 20, blockSize: 16, parallelism: 16 }
/** In the PHC string format: `$scrypt$ln=17,r=8,p=1$salt$hash`, base64 without padding. */
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{1,86})\$([A-Za-z0-9+/]{43})$/

/** Hashes a password. Returns a string that holds all that `verify` needs. */
export default function scrypt(input: ScryptInput): string {
  checkMembers(input, ['password', 'logCost', 'blockSize', 'parallelism', 'salt', 'maxCost'])
  const { password, logCost = 17, blockSize = 8, parallelism = 1, salt = randomBytes(16), maxCost } = input
  checkText(password, 'password')
  checkInteger(logCost, 'logCost', 1, LIMITS.logCost)
  checkInteger(blockSize, 'blockSize', 1, LIMITS.blockSize)
  checkInteger(parallelism, 'parallelism', 1, LIMITS.parallelism)
  if (!(salt instanceof Uint8Array) || salt.byteLength < 8 || salt.byteLength > 64)
    throw new UnrecoverableError('salt must be 8 to 64 bytes')
  checkCost('these parameters ask', logCost, blockSize, parallelism, maxCost)
  const hash = derive(password, salt, logCost, blockSize, parallelism)
  return `$scrypt$ln=${logCost},r=${blockSize},p=${parallelism}$${base64(salt)}$${base64(hash)}`
}

/** Whether a hash was made from this password. A hash that asks for more than `maxCost` is refused before it costs anything. */
export function verify(input: VerifyInput): { valid: boolean } {
  checkMembers(input, ['password', 'hash', 'maxCost'])
  const { password, hash, maxCost } = input
  checkText(password, 'password')
  checkText(hash, 'hash')
  const [, logCost, blockSize, parallelism, salt, expected] = PHC.exec(hash) ?? []
  if (salt === undefined || expected === undefined)
    throw new UnrecoverableError('hash must be of the form $scrypt$ln=…,r=…,p=…$salt$hash')
  const parameters = [Number(logCost), Number(blockSize), Number(parallelism)] as const
  checkInteger(parameters[0], "the hash's ln", 1, LIMITS.logCost)
  checkInteger(parameters[1], "the hash's r", 1, LIMITS.blockSize)
  checkInteger(parameters[2], "the hash's p", 1, LIMITS.parallelism)
  checkCost('the hash asks', ...parameters, maxCost)
  const actual = derive(password, Buffer.from(salt, 'base64'), ...parameters)
  return { valid: timingSafeEqual(actual, Buffer.from(expected, 'base64')) }
}

function checkCost(who: string, logCost: number, r: number, p: number, maxCost = DEFAULT_MAX_COST): void {
  checkInteger(maxCost, 'maxCost', 1, 65_536)
  const cost = Math.ceil((128 * 2 ** logCost * r * p) / MIB)
  if (cost > maxCost)
    throw new UnrecoverableError(
      `${who} for a cost of ${cost} MiB (ln=${logCost}, r=${r}, p=${p}), which is more than maxCost: ${maxCost}. Raise maxCost if you trust where they come from`,
    )
}

function derive(password: string, salt: Uint8Array, logCost: number, r: number, p: number): Buffer {
  const N = 2 ** logCost
  // What the algorithm needs, by its definition, and a little more.
  const maxmem = 128 * r * (N + p) + MIB
  return scryptSync(password.normalize('NFKC'), salt, HASH_BYTES, { N, r, p, maxmem })
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
