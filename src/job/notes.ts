/** What a job tells of itself while it runs, and what is kept of that when the attempt has ended. */

export interface Notes {
  /** The encoded value of its last checkpoint: the next attempt is given it. */
  readonly saved?: Uint8Array
  /** The encoded value that it reported last as its progress. */
  readonly progress?: Uint8Array
  /** The end of what the latest attempt has logged. */
  readonly log?: JobLog
}

/** The end of a job's log. */
export interface JobLog {
  readonly lines: readonly string[]
  /** How many lines came before these, or among them, and are not kept. */
  readonly dropped: number
}

/** Whether what was read from disk, or came from a thread, is a log. */
export function isJobLog(value: unknown): value is JobLog {
  const { lines, dropped } = (value ?? {}) as Partial<JobLog>
  return (
    Array.isArray(lines) && lines.every((line) => typeof line === 'string') && Number.isSafeInteger(dropped)
  )
}

/** Of a log so much is kept, in lines and in UTF-16 code units. */
export const KEPT_LINES = 100
export const KEPT_CHARACTERS = 16_384

/** The newest lines of a log that goes on. */
export function extendLog(log: JobLog | undefined, lines: readonly string[], dropped: number): JobLog {
  const all = [...(log?.lines ?? []), ...lines]
  const first = firstKept(all, KEPT_LINES, KEPT_CHARACTERS)
  return { lines: all.slice(first), dropped: (log?.dropped ?? 0) + dropped + first }
}

/** Where the newest lines begin that are no more than so many, and have no more than so many characters in all. */
export function firstKept(lines: readonly string[], mostLines: number, mostCharacters: number): number {
  let characters = 0
  for (let index = lines.length - 1; index >= 0; index--) {
    characters += (lines[index] as string).length
    if (lines.length - index > mostLines || characters > mostCharacters) return index + 1
  }
  return 0
}
