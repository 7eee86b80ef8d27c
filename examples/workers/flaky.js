// A worker module that fails in the two ways that there are: for now, and for good.
import { UnrecoverableError } from 'millrace/worker'

/**
 * @param {{ address: string }} input
 * @param {import('millrace').JobContext} job
 */
export default function flaky({ address }, job) {
  if (!address.includes('@')) throw new UnrecoverableError(`${address} is no address`)
  if (job.attempt < 3) throw new Error('the server is busy')
  return `delivered to ${address}`
}
