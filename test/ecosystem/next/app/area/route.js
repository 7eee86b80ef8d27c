import { openQueue } from '../../queue.js'

export const dynamic = 'force-dynamic'

export async function GET() {
  const queue = await openQueue()
  const job = await queue.enqueue('area', { width: 6, height: 7 })
  return Response.json(await job.finished())
}
