/** A reporter's line for each of the slowest test files, before the summary of a run. */
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

const SHOWN = 10

/** Passes a run's events on, and puts the slowest files before the first line of its summary. Paths are relative to `root`. */
export async function* withSlowestFiles(
  events: AsyncIterable<TestEvent>,
  root: string,
): AsyncGenerator<TestEvent> {
  const msOf = new Map<string, number>()
  let isSummary = false
  for await (const event of events) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { nesting, file, details } = event.data
      if (nesting === 0 && file !== undefined) msOf.set(file, (msOf.get(file) ?? 0) + details.duration_ms)
    }
    if (!isSummary && event.type === 'test:diagnostic' && /^tests \d+$/.test(event.data.message)) {
      isSummary = true
      const slowest = [...msOf].sort(([, a], [, b]) => b - a).slice(0, SHOWN)
      for (const [file, ms] of slowest)
        yield diagnostic(`slowest: ${(ms / 1000).toFixed(1).padStart(6)} s  ${relative(root, file)}`)
    }
    yield event
  }
}

function diagnostic(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { nesting: 0, message } }
}
