// CPU work offloaded from an HTTP server: while a report is computed, the server goes on answering.
//
//   node examples/http-server.js
import { once } from 'node:events'
import { createServer } from 'node:http'
import { JobQueue } from 'millrace'

/** @type {JobQueue<{ primes: typeof import('./workers/primes.js') }>} */
const queue = await JobQueue.open('.millrace/http-server', {
  workers: { primes: new URL('./workers/primes.js', import.meta.url) },
})

const server = createServer(async (request, response) => {
  if (request.url === '/ping') return response.end('pong')
  try {
    const job = await queue.enqueue('primes', { below: 20_000_000 })
    response.end(`${await job.finished()} primes`)
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
})
await once(server.listen(0), 'listening')
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
const get = async (/** @type {string} */ path) => (await fetch(`http://localhost:${port}${path}`)).text()

// What a client sees.
let pongs = 0
let isDone = false
const report = get('/report').finally(() => {
  isDone = true
})
while (!isDone) if ((await get('/ping')) === 'pong') pongs++
console.log(`report: ${await report}`)
console.log(`pings answered while it was computed: ${pongs}`)

server.close()
server.closeAllConnections()
await queue.close()
