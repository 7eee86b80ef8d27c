/** Does nothing, for measuring what a job itself costs. */
export default function noop(_input?: unknown): undefined {
  return undefined
}
