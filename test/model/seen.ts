/** What a test sees of a job in the store and in the model: equal if they agree. */
import type { StoredJob } from '../../src/job/job.js'
import { textOf } from '../support/store.js'
import type { IsGone, ModelJob } from './model.js'

export function nameOf(job: StoredJob): string {
  return textOf(job).replace(/ done$/, '')
}

export function seenInStore(job: StoredJob) {
  const { attempt = 0, failures = [], granted = 0, alone = false, key, saved, runAt = 0 } = job.head
  const { lane, priority } = job.place
  const text = saved && Buffer.from(saved).toString()
  const known = { lane, priority, attempt, failures: failures.length, granted, alone, key, saved: text }
  return {
    text: textOf(job),
    state: job.state,
    ...known,
    runAt: job.state === 'delayed' ? runAt : 0,
  }
}

export function seenInModel(job: ModelJob): ReturnType<typeof seenInStore> {
  const { name, age: _age, attempts: _attempts, attempt, runAt, ...rest } = job
  return {
    text: job.state === 'completed' ? `${name} done` : name,
    ...rest,
    // A running job shows the attempt that runs, which is not charged yet.
    attempt: job.state === 'running' ? attempt + 1 : attempt,
    runAt: job.state === 'delayed' ? runAt : 0,
  }
}

/** Which jobs are not among those that were found. */
export function goneFrom(found: readonly StoredJob[]): IsGone {
  const names = new Set(found.map(nameOf))
  return (name) => !names.has(name)
}
