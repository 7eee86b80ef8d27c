/** A job's id: its place in line, as 24 hexadecimal digits that sort as the jobs of one lane run. */

import { OptionError } from '../errors/errors.js'
import { show } from '../errors/option-checks.js'
import type { Place } from './job.js'

const PLACE_TEXT = /^[0-9a-f]{24}$/
const PRIORITY_OFFSET = 32_768

/** Two digits for each byte. */
const BYTES = Array.from({ length: 256 }, (_, byte) => hex(byte, 2))
/** All but the last two digits of the last id: most ids share them with the one before. */
let latest = { lane: -1, priority: 0, high: -1, digits: '' }

/** A place as text. */
export function formatId({ lane, priority, seq }: Place): string {
  const high = Math.floor(seq / 256)
  if (high !== latest.high || lane !== latest.lane || priority !== latest.priority)
    latest = {
      lane,
      priority,
      high,
      digits: hex(lane, 8) + hex(priority + PRIORITY_OFFSET, 4) + hex(high, 10),
    }
  return latest.digits + BYTES[seq % 256]
}

/** The place that an id stands for, or `undefined` if the text is no id. */
export function parseId(id: string): Place | undefined {
  if (typeof id !== 'string' || !PLACE_TEXT.test(id)) return undefined
  return {
    lane: Number.parseInt(id.slice(0, 8), 16),
    priority: Number.parseInt(id.slice(8, 12), 16) - PRIORITY_OFFSET,
    seq: Number.parseInt(id.slice(12), 16),
  }
}

/** The place that an id given by the application stands for. @throws {OptionError} the text is no id. */
export function checkId(id: string): Place {
  const place = parseId(id)
  if (!place) throw new OptionError(`a job's id is 24 hexadecimal digits, got ${show(id)}`)
  return place
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
