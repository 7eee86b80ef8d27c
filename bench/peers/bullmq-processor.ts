/** What BullMQ's sandbox runs. */
import { type Payload, perform, type Work } from './peer.js'

export default async function processor(job: { name: Work; data: Payload }): Promise<unknown> {
  return perform(job.name, job.data.input)
}
