import type { JobContext } from 'millrace'

export default function area({ width, height }: { width: number; height: number }, job: JobContext): number {
  job.log(`attempt ${job.attempt}`)
  return width * height
}
