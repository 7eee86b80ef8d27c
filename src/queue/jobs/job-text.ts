/** How a job is shown: as JSON, and where `console.log` prints it. */
import { inspect } from 'node:util'
import { toJsonValue } from '../../codec/json.js'
import type { StoredJob } from '../../job/job.js'

/** What is larger than this, encoded, is not decoded only to be printed. */
const LARGEST_SHOWN_BYTES = 65_536
const LONGEST_TEXT = 100
const MOST_MEMBERS = 6
/** Members that are shown only of a job that has failed. */
const ABOUT_FAILURES = ['failures', 'failureCount']

/** A job, as far as is needed here. */
interface ShownJob {
  readonly id: string
  readonly task: string
}

/** Every member of a job, as JSON can hold it. A member that is damaged is an object with its `error`. */
export function jobAsJson(job: ShownJob): Record<string, unknown> {
  const json: Record<string, unknown> = {}
  for (const name of Object.keys(job)) json[name] = readMember(job, name, toJsonValue)
  return json
}

/** The members of a job that apply, on a few lines. */
export function inspectJob(job: ShownJob, stored: StoredJob, depth: number, options: object): string {
  if (depth < 0) return `[Job ${job.task} ${job.id}]`
  const shown: Record<string, unknown> = {}
  for (const name of Object.keys(job)) {
    const { byteLength = 0 } = encodedOf(name, stored) ?? {}
    const isLarge = byteLength > LARGEST_SHOWN_BYTES
    const value = isLarge ? new Shown(sizeText(byteLength)) : readMember(job, name, (it) => it)
    if (value !== undefined && (stored.head.failures || !ABOUT_FAILURES.includes(name))) shown[name] = value
  }
  const limits = { depth: 2, maxStringLength: LONGEST_TEXT, maxArrayLength: MOST_MEMBERS, breakLength: 100 }
  return `Job ${inspect(shown, { ...options, ...limits })}`
}

/** Text that is printed without quotes. */
class Shown {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  [inspect.custom](): string {
    return this.#text
  }
}

function readMember(job: ShownJob, name: string, use: (value: unknown) => unknown): unknown {
  try {
    return use(job[name as keyof ShownJob])
  } catch (error) {
    const { message, code } = error as { message: string; code?: unknown }
    return { error: message, code }
  }
}

/** What may be too large to be decoded only to be printed. */
function encodedOf(name: string, { state, body, input }: StoredJob): Uint8Array | undefined {
  const isCompleted = state === 'completed'
  if (name === 'input') return isCompleted ? input : body
  return name === 'output' && isCompleted ? body : undefined
}

function sizeText(byteLength: number): string {
  return `<${(byteLength / 1e6).toFixed(1)} MB>`
}
