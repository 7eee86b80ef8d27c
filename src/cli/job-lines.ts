/**
 * Jobs as lines of JSON, for `millrace export` and `millrace import`.
 *
 * The first line is `{"millrace":"jobs","version":1,"tasks":[…]}`, each other line a job. A value that JSON gives back as it is stands
 * there as JSON; any other one as `{"$cbor": base64}`, as it is stored.
 */
import { decode, encode } from '../codec/codec.js'
import { FINISHED_STATES, type Head, JOB_STATES, type JobState, type StoredJob } from '../job/job.js'
import { formatId, parseId } from '../job/job-id.js'
import { printableJson } from './printable.js'
import { UsageError } from './usage-error.js'

const KIND = 'jobs'
const VERSION = 1
/** The members of a job's history that are stored encoded. */
const ENCODED = ['meta', 'progress', 'saved'] as const

interface Line {
  readonly id: string
  readonly task: string
  readonly state: JobState
  /** In ms since the epoch. */
  readonly enqueuedAt: number
  readonly input?: unknown
  readonly output?: unknown
  /** Options, attempts and failures. */
  readonly history: Record<string, unknown>
  readonly values: Record<string, unknown>
}

export function headerLine(tasks: readonly string[]): string {
  return `${printableJson(JSON.stringify({ millrace: KIND, version: VERSION, tasks }))}\n`
}

/** @throws {UsageError} the job is too large for a text. */
export function jobLine(job: StoredJob, task: string): string {
  try {
    return `${printableJson(JSON.stringify(lineOf(job, task)))}\n`
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`job ${formatId(job.place)} cannot be written as a line of JSON: ${why}`, { cause })
  }
}

function lineOf({ place, state, enqueuedAt, head, body, input }: StoredJob, task: string): Line {
  const history: Record<string, unknown> = {}
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(head))
    if (isEncoded(name)) values[name] = shown(value as Uint8Array)
    else history[name] = shown(encode(value, name))
  const isCompleted = state === 'completed'
  return {
    id: formatId(place),
    task,
    // The thread that it was handed to is no more.
    state: state === 'running' ? 'waiting' : state,
    enqueuedAt,
    ...(isCompleted ? input && { input: shown(input) } : { input: shown(body) }),
    ...(isCompleted && { output: shown(body) }),
    history,
    values,
  }
}

/** The tasks that a file of jobs names. @throws {UsageError} its first line is another one. */
export function tasksIn(line: string): string[] {
  const { millrace, version, tasks } = parsed(line, 1)
  if (millrace !== KIND || !Array.isArray(tasks) || !tasks.every((task) => typeof task === 'string'))
    throw new UsageError('line 1 does not say that these are jobs: give what `millrace export` has written')
  if (version !== VERSION)
    throw new UsageError(
      `these jobs have version ${String(version)}, this millrace reads version ${VERSION}: use a newer one`,
    )
  return tasks
}

/** The job on a line. @throws {UsageError} it is none, with the number of the line. */
export function jobOn(text: string, number: number, tasks: readonly string[]): StoredJob {
  const line = parsed(text, number) as Partial<Line>
  const place = typeof line.id === 'string' ? parseId(line.id) : undefined
  const { state, enqueuedAt, history = {}, values = {} } = line
  if (!place || tasks[place.lane] === undefined || tasks[place.lane] !== line.task)
    throw new UsageError(`line ${number}: its id and its task do not belong together`)
  if (!state || !JOB_STATES.includes(state) || state === 'running' || !Number.isSafeInteger(enqueuedAt))
    throw new UsageError(`line ${number}: its state or its time is wrong`)
  try {
    const head: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(history)) head[name] = decode(stored(value))
    for (const [name, value] of Object.entries(values)) head[name] = Buffer.from(stored(value))
    const isCompleted = state === 'completed'
    const isFinished = (FINISHED_STATES as readonly JobState[]).includes(state)
    if (isFinished && !Number.isSafeInteger(head.finishedAt))
      throw new Error('`history.finishedAt` is missing, or no whole number of ms')
    if (state === 'delayed' && !Number.isSafeInteger(head.runAt))
      throw new Error('`history.runAt` is missing, or no whole number of ms')
    return {
      place,
      state,
      enqueuedAt: enqueuedAt as number,
      // Its shape is checked again when it is read from the disk.
      head: head as Head,
      body: Buffer.from(stored(isCompleted ? line.output : line.input)),
      ...(isCompleted && line.input !== undefined && { input: Buffer.from(stored(line.input)) }),
    }
  } catch (cause) {
    throw new UsageError(`line ${number}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

function parsed(line: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // It is said below.
  }
  throw new UsageError(`line ${number} is no JSON object: give what \`millrace export\` has written`)
}

/** An encoded value, as it stands in a line. */
function shown(bytes: Uint8Array): unknown {
  const own = Buffer.from(bytes)
  try {
    const value = decode(own)
    const text = JSON.stringify(value)
    const isTagged = typeof value === 'object' && value !== null && '$cbor' in value
    if (text !== undefined && !isTagged && own.equals(encode(JSON.parse(text), 'it'))) return JSON.parse(text)
  } catch {
    // What cannot be read is exported as it is.
  }
  return { $cbor: own.toString('base64') }
}

/** The other way. */
function stored(value: unknown): Uint8Array {
  const { $cbor } = (value ?? {}) as { $cbor?: unknown }
  if (typeof $cbor !== 'string') return encode(value, 'a value')
  return Buffer.from($cbor, 'base64')
}

function isEncoded(name: string): boolean {
  return (ENCODED as readonly string[]).includes(name)
}
