/** Temporary directories that a test leaves no trace of. */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const made: string[] = []

// Not when the test ends: its hooks run in the order in which they were made, so that queues are still open then.
process.once('exit', () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
})

/** A new empty directory, removed when the process ends. */
export async function temporaryDirectory(_t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  made.push(directory)
  return directory
}
