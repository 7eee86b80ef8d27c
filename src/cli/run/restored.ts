/** What `millrace run` says of the jobs that it finds in its directory. */
import type { JobQueue } from '../../queue/queue.js'

/** Lines of text; none for a directory that is new. */
export function restoredText(queue: JobQueue, task: string, directory: string): string[] {
  const { waiting, delayed, running, completed, failed } = queue.counts(task)
  // Some have been started again already.
  const restored = waiting + delayed + running
  const finished = completed + failed
  const all = queue.counts()
  const others = all.waiting + all.delayed + all.running - restored
  const { returned } = queue.recovered
  const lines: string[] = []
  if (restored > 0)
    lines.push(
      `restored ${jobs(restored)}${returned > 0 && others === 0 ? ` (${returned} of them had been running)` : ''}; ${finished} had finished before`,
    )
  else if (finished > 0) lines.push(`nothing to restore: ${jobs(finished)} had finished before`)
  if (others > 0)
    lines.push(`${jobs(others)} of other worker modules ${others === 1 ? 'waits' : 'wait'} in ${directory}`)
  return lines
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count} jobs`
}
