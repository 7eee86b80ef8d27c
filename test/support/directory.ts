/** Temporary directories that a test leaves no trace of. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A new empty directory, removed when the test ends. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
  return directory
}
