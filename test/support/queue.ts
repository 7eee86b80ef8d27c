/** A queue on a temporary directory, with the fixture workers, closed when the test ends. */
import type { TestContext } from 'node:test'
import { JobQueue, type QueueOptions } from '../../src/index.js'
import type * as fixture from '../fixtures/worker.js'
import { temporaryDirectory } from './directory.js'

export const FIXTURE = new URL('../fixtures/worker.js', import.meta.url)

export type FixtureTasks = Omit<typeof fixture, 'default'> & { default: { default: typeof fixture.default } }
type Name = keyof FixtureTasks

/** The worker map that gives every export of the fixture as the task of its name. */
export function fixtureWorkers(
  options: Partial<Record<Name, object>> = {},
): Record<Name, { module: URL; export: string }> {
  const names: Name[] = [
    'add',
    'append',
    'block',
    'blockUnlessAsked',
    'chat',
    'count',
    'default',
    'echo',
    'exit',
    'failUntil',
    'fillMemory',
    'gate',
    'give',
    'leak',
    'listen',
    'overflow',
    'rejectLater',
    'stubborn',
    'throwLater',
    'throwUnrecoverable',
    'throwValue',
    'where',
  ]
  const entries = names.map((name) => [name, { module: FIXTURE, export: name, ...options[name] }])
  return Object.fromEntries(entries) as Record<Name, { module: URL; export: string }>
}

export type TestQueue = JobQueue<FixtureTasks>

/** Opens a queue with two workers on `directory` (a new one by default). */
export async function openQueue(
  t: TestContext,
  options: Partial<QueueOptions<Name>> & {
    directory?: string
    tasks?: never
    perTask?: Partial<Record<Name, object>>
  } = {},
): Promise<TestQueue> {
  const { directory = await temporaryDirectory(t), perTask, ...rest } = options
  const queue = await JobQueue.open<FixtureTasks>(directory, {
    workers: fixtureWorkers(perTask),
    maxWorkers: 2,
    backoff: 1,
    ...rest,
  })
  t.after(() => queue.close({ timeout: 0 }))
  return queue
}
