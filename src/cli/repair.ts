/** `millrace repair`: saves what can be saved of a damaged directory. */
import { NotAQueueError } from '../errors/directory-errors.js'
import { JOB_STATES } from '../job/job.js'
import { JobQueue } from '../queue/queue.js'
import { say } from './printable.js'
import { NoQueueError } from './usage-error.js'

/** Runs the command: what was found goes to standard error, the counts of what there is now to standard output, as JSON. */
export async function repair(directory: string, { trustDirectory = false }): Promise<void> {
  const { jobs, dropped, files } = await JobQueue.repair(directory, { trustDirectory }).catch(
    (error: unknown) => {
      if (!(error instanceof NotAQueueError)) throw error
      throw new NoQueueError(directory, error)
    },
  )
  for (const file of files) say(`${file} was damaged, it is kept as lost/${file}.damaged`)
  if (dropped > 0) say(`${dropped} entries could not be read and were dropped`)
  const kept = JOB_STATES.reduce((sum, state) => sum + jobs[state], 0)
  say(`${kept} jobs are in ${directory} now`)
  console.log(JSON.stringify({ jobs, dropped, files }))
}
