import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { encode } from '../../src/codec/codec.js'
import { JobQueue } from '../../src/index.js'
import { DispatchedWaybill } from '../../src/pool/waybill/dispatched-waybill.js'
import { OutcomeBuffer } from '../../src/pool/waybill/outcome-buffer.js'
import type { Result } from '../../src/pool/waybill/result.js'
import { DONE, STARTED, WAITING } from '../../src/pool/waybill/waybill.js'
import { temporaryDirectory } from '../support/directory.js'

/** Says of job 0 of each of many waybills that it has completed, then waits until the file is there. */
const FORGER = `
  import { existsSync } from 'node:fs'
  import { parentPort } from 'node:worker_threads'
  const outcome = (text) => {
    const bytes = Buffer.alloc(20 + 1 + text.length)
    bytes.writeUInt32BE(1 + text.length, 16)
    bytes[20] = 0x60 + text.length
    bytes.write(text, 21)
    return new Uint8Array(bytes)
  }
  export const forge = () => {
    for (let waybill = 0; waybill < 20; waybill++) parentPort.postMessage({ waybill, outcomes: outcome('forged') })
  }
  export const gate = async (file, job) => {
    job.log('at the gate')
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
    return 'true'
  }`

test('a worker module cannot say what became of a job on another thread', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'forger.mjs')
  const file = join(directory, 'gate')
  await writeFile(module, FORGER)
  const queue = await JobQueue.open(join(directory, 'queue'), {
    workers: { forge: { module, export: 'forge' }, gate: { module, export: 'gate' } },
    maxWorkers: 2,
    attempts: 1,
  })
  t.after(() => queue.close({ timeout: 0 }))
  const gate = await queue.enqueue('gate', file)
  await new Promise((resolve) => queue.once('log', resolve))
  await (await queue.enqueue('forge')).finished()
  assert.equal((await queue.job(gate.id))?.state, 'running')
  await writeFile(file, '')
  assert.equal(await gate.finished(), 'true')
})

const LIMITS = { abortGrace: 0, loadTimeout: 0 }

function waybillOf(jobs: number) {
  const results: Result<{ timeoutMs: number }>[] = []
  const waybill = new DispatchedWaybill(1, new Array(jobs).fill({ timeoutMs: 0 }), LIMITS, {
    results: (each) => results.push(...each),
    started() {},
    freed() {},
  })
  return { waybill, results }
}

test('an outcome of a job that has not started is not taken', () => {
  const { waybill, results } = waybillOf(2)
  const outcomes = new OutcomeBuffer()
  waybill.state.move(0, WAITING, DONE)
  for (const index of [0, 1, 2]) outcomes.push(index, false, 1, encode('output', 'output'))
  waybill.receive(outcomes.take())
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ['completed'],
  )
  waybill.recall()
  assert.equal(results[1]?.kind, 'returned')
})

test('a job that has started is charged if its thread is through and has sent no outcome of it', () => {
  const { waybill, results } = waybillOf(3)
  waybill.begin()
  waybill.state.move(0, WAITING, DONE)
  waybill.state.move(1, WAITING, STARTED)
  waybill.free()
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ['died', 'died', 'returned'],
  )
})

test('whatever stands in the place of an error is a failure with a name and a message', () => {
  const given = [
    undefined,
    null,
    'text',
    [],
    { name: 'Error' },
    { name: 'Error', message: 'right', stack: 1 },
    { name: 'Error', message: 'right', cause: { message: 7 } },
  ]
  for (const value of given) {
    const { waybill, results } = waybillOf(1)
    const outcomes = new OutcomeBuffer()
    waybill.state.move(0, WAITING, STARTED)
    outcomes.push(0, true, 1, Uint8Array.from(encode(value, 'error')))
    waybill.receive(outcomes.take())
    const [result] = results
    assert.ok(result?.kind === 'threw', String(value))
    const { name, message, stack, cause } = result.error
    assert.deepEqual([typeof name, typeof message], ['string', 'string'])
    assert.ok(stack === undefined || typeof stack === 'string')
    assert.ok(cause === undefined || typeof cause.message === 'string')
  }
})
