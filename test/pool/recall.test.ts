import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { DispatchedWaybill } from '../../src/pool/waybill/dispatched-waybill.js'
import { DONE, WAITING } from '../../src/pool/waybill/waybill.js'

const WAYBILL = new URL('../../src/pool/waybill/waybill.js', import.meta.url).href

/** Starts one job after the other, as a thread does, from when the first one's word changes; each takes a while. */
const SOURCE = `
  const { workerData, parentPort } = require('node:worker_threads')
  import(workerData.url).then(({ SharedState, WAITING, STARTED }) => {
    const state = new SharedState(workerData.buffer)
    parentPort.postMessage('ready')
    Atomics.wait(state.words, 0, WAITING)
    const started = []
    for (let index = 1; index < state.words.length; index++) {
      if (!state.move(index, WAITING, STARTED)) continue
      started.push(index)
      for (const end = performance.now() + 0.1; performance.now() < end && !Atomics.load(workerData.isOver, 0); );
    }
    parentPort.postMessage(started)
  })`

test('jobs that are taken back from a thread that goes on are all behind those that it starts', async () => {
  const jobs = Array.from({ length: 50_000 }, (_, n) => ({ n, timeoutMs: 0 }))
  const recalled: number[] = []
  const waybill = new DispatchedWaybill(
    1,
    jobs,
    { abortGrace: 0, loadTimeout: 0 },
    {
      results: (results) => {
        for (const { kind, job } of results) if (kind === 'returned') recalled.push(job.n)
      },
      started() {},
      freed() {},
    },
  )
  const isOver = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(SOURCE, {
    eval: true,
    workerData: { url: WAYBILL, buffer: waybill.state.buffer, isOver },
  })
  await once(worker, 'message')
  const answer = once(worker, 'message') as Promise<[number[]]>
  assert.ok(waybill.state.move(0, WAITING, DONE))
  Atomics.notify(waybill.state.words, 0)
  waybill.recall()
  Atomics.store(isOver, 0, 1)
  const taken = [...recalled]
  const [started] = await answer
  waybill.judge({
    error: { name: 'Error', message: 'over' },
    isKilled: true,
    isUncaught: false,
    hasRunOthers: false,
  })
  const [first = 0] = taken
  assert.ok(
    first > 0 && taken.every((n, index) => n === first + index),
    `from ${first} on they were taken back`,
  )
  assert.ok(started.every((n) => n < first))
  assert.equal(started.length + taken.length, jobs.length - 1)
})
