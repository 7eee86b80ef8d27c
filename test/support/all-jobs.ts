/** Every job of a queue, and whether the counts agree with them. */
import assert from 'node:assert/strict'
import type { Job, JobCounts } from '../../src/index.js'

interface Queue {
  jobs(query: { limit: number; after?: string }): Promise<Job[]>
  counts(): JobCounts
}

/** Lists every job page by page; the counts must be those of the jobs, and no job may be there twice. */
export async function allJobs(queue: Queue): Promise<Job[]> {
  const jobs: Job[] = []
  for (let page = await queue.jobs({ limit: 10_000 }); page.length > 0; ) {
    jobs.push(...page)
    const last = jobs.at(-1)
    page = last ? await queue.jobs({ limit: 10_000, after: last.id }) : []
  }
  const counts: JobCounts = { waiting: 0, delayed: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
  for (const { state } of jobs) counts[state]++
  assert.deepEqual(queue.counts(), counts, 'the counts are those of the jobs')
  assert.equal(new Set(jobs.map(({ id }) => id)).size, jobs.length, 'no job is there twice')
  return jobs
}
