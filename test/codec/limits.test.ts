/** The limits that an application sets on what its jobs hold. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from '../../src/codec/codec.js'
import { openQueue } from '../support/queue.js'

test('an output larger than maxOutputBytes fails the attempt and names the option', async (t) => {
  const queue = await openQueue(t, { maxOutputBytes: 1000 })
  for (const output of ['x'.repeat(900), 7, undefined, true])
    assert.deepEqual(await (await queue.enqueue('echo', output)).finished(), output)
  const job = await queue.enqueue('give', 100_000, { attempts: 1 })
  await assert.rejects(
    job.finished(),
    /output is larger than maxOutputBytes \(1000 bytes\): raise that option/,
  )
  assert.equal((await queue.job(job.id))?.failures[0]?.code, 'MILLRACE_TOO_LARGE')
})

test('meta larger than maxJobBytes is refused as an input is', async (t) => {
  const queue = await openQueue(t, { maxJobBytes: 1000 })
  const job = await queue.enqueue('echo', 'x'.repeat(900), { meta: 'x'.repeat(900) })
  assert.equal((await queue.job(job.id))?.meta, 'x'.repeat(900))
  await assert.rejects(queue.enqueue('echo', 1, { meta: 'x'.repeat(1001) }), {
    code: 'MILLRACE_TOO_LARGE',
    message: /^meta is larger than maxJobBytes \(1000 bytes\)/,
  })
  await assert.rejects(queue.enqueueMany('echo', [1], { meta: Buffer.alloc(1001) }), {
    code: 'MILLRACE_TOO_LARGE',
  })
})

test('a number is held to a limit too', () => {
  const limit = { bytes: 4, option: 'maxOutputBytes' }
  assert.equal(encode(7, 'output', limit).byteLength, 1)
  for (const large of [0.1, -0])
    assert.throws(() => encode(large, 'output', limit), { code: 'MILLRACE_TOO_LARGE' })
})
