/** A queue with the workers that note something of themselves. */
import type { TestContext } from 'node:test'
import { JobQueue, type QueueOptions } from '../../src/index.js'
import type * as noting from '../fixtures/noting-worker.js'
import { temporaryDirectory } from './directory.js'

export type NotingTasks = typeof noting
type Name = keyof NotingTasks

export const NOTING = new URL('../fixtures/noting-worker.js', import.meta.url)

const NAMES: readonly Name[] = [
  'flood',
  'look',
  'lookAtLast',
  'reportAndEnd',
  'reportAndStay',
  'reportTooMuch',
  'save',
  'saveAndBlock',
  'saveInALoop',
  'saveWhenStopped',
  'saveWrong',
  'speakLate',
]
const WORKERS = Object.fromEntries(NAMES.map((name) => [name, { module: NOTING, export: name }]))

/** Opens it with one worker on `directory` (a new one by default); it is closed when the test ends. */
export async function openNoting(
  t: TestContext,
  options: Partial<Omit<QueueOptions, 'workers' | 'tasks'>> & { directory?: string } = {},
): Promise<JobQueue<NotingTasks>> {
  const { directory = await temporaryDirectory(t), ...rest } = options
  const workers = WORKERS as Record<Name, { module: URL; export: string }>
  const queue = await JobQueue.open<NotingTasks>(directory, { workers, maxWorkers: 1, backoff: 1, ...rest })
  t.after(() => queue.close({ timeout: 0 }))
  return queue
}
