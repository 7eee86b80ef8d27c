/** A worker module in TypeScript: its types flow to `enqueue` and `finished()`. */
import type { JobContext } from 'millrace'

export interface Text {
  text: string
}

export default function wordCount({ text }: Text, job: JobContext): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/\p{L}+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1)
  job.progress(1)
  return counts
}
