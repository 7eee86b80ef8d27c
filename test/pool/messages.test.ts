import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { MessageChannel, MessagePort } from 'node:worker_threads'
import fc from 'fast-check'
import { readMessage, readPrinted } from '../../src/pool/thread-messages.js'
import { OutcomeBuffer, readOutcomes } from '../../src/pool/waybill/outcome-buffer.js'
import { temporaryDirectory } from '../support/directory.js'
import { runScript } from '../support/script.js'

const anything = fc.anything({ withTypedArray: true, withNullPrototype: true })
/** Objects that have the members of a message, with values of any kind. */
const lookalike = fc.record(
  {
    waybill: fc.oneof(fc.nat(3), anything),
    outcomes: fc.oneof(fc.uint8Array({ maxLength: 80 }), anything),
    index: fc.oneof(fc.nat(3), anything),
    progress: fc.oneof(fc.uint8Array(), anything),
    log: fc.oneof(fc.record({ lines: fc.array(fc.string()), dropped: fc.nat() }), anything),
    checkpoint: fc.oneof(fc.uint8Array(), anything),
    reply: fc.oneof(fc.constant(new MessageChannel().port1), anything),
    isLast: fc.oneof(fc.boolean(), anything),
    isLoading: fc.oneof(fc.boolean(), anything),
    unloadable: fc.oneof(fc.uint8Array(), anything),
  },
  { requiredKeys: [] },
)

test('whatever a thread sends is a message or nothing, and what is read of it has the right types', () => {
  let messages = 0
  fc.assert(
    fc.property(fc.oneof(anything, lookalike), (sent) => {
      const message = readMessage(sent)
      if (!message) return
      messages++
      assert.equal(typeof message.waybill, 'number')
      if ('outcomes' in message)
        readOutcomes(message.outcomes, (index, isError, ranMs, bytes) => {
          assert.deepEqual([typeof index, typeof isError, typeof ranMs], ['number', 'boolean', 'number'])
          assert.ok(bytes instanceof Uint8Array)
        })
      else if ('log' in message) assert.ok(message.log.lines.every((line) => typeof line === 'string'))
      else if ('isLoading' in message) assert.equal(typeof message.isLoading, 'boolean')
      else if ('unloadable' in message) assert.ok(message.unloadable instanceof Uint8Array)
      else if ('progress' in message) assert.ok(message.progress instanceof Uint8Array)
      else assert.ok(message.checkpoint instanceof Uint8Array && message.reply instanceof MessagePort)
    }),
    { seed: 1, numRuns: 5000 },
  )
  assert.ok(messages > 100, `${messages} of them were messages`)
})

test('bytes in shared memory, which could change after a check, are not taken', () => {
  const shared = (bytes: Uint8Array) => {
    const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
    copy.set(bytes)
    return copy
  }
  const outcomes = new OutcomeBuffer()
  outcomes.push(0, false, 1, Uint8Array.of(1))
  const bytes = Uint8Array.from(outcomes.take())
  const reply = new MessageChannel().port1
  const messages = (of: (bytes: Uint8Array) => Uint8Array) => [
    { waybill: 1, outcomes: of(bytes), isLast: true },
    { waybill: 1, index: 0, unloadable: of(bytes) },
    { waybill: 1, index: 0, progress: of(bytes) },
    { waybill: 1, index: 0, checkpoint: of(bytes), reply },
  ]
  for (const message of messages((own) => own)) assert.ok(readMessage(message))
  for (const message of messages(shared)) assert.equal(readMessage(message), undefined)
  assert.equal(readPrinted({ stream: 'stdout', text: shared(bytes) }), undefined)
})

test('outcomes that are cut short, longer, or changed in their lengths are not taken for outcomes', () => {
  const outcomes = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(outcomes, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, where, change) => {
      const buffer = new OutcomeBuffer()
      for (const [index, bytes] of all.entries()) buffer.push(index, false, 1, bytes)
      const whole = Uint8Array.from(buffer.take())
      const read = (packed: Uint8Array) => readMessage({ waybill: 1, outcomes: packed, isLast: true })
      assert.ok(read(whole))
      assert.equal(read(whole.subarray(0, 1 + (where % (whole.length - 1)))) !== undefined, isSum(where, all))
      assert.equal(read(Buffer.concat([whole, Uint8Array.of(change)])), undefined)
      const longer = Uint8Array.from(whole)
      longer[16] = change
      assert.equal(read(longer), undefined)
      for (const ranMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
        const timeless = Buffer.from(whole)
        timeless.writeDoubleBE(ranMs, 8)
        assert.equal(read(new Uint8Array(timeless)), undefined)
      }
    }),
    { seed: 1, numRuns: 1000 },
  )
})

/** Whether the cut falls just between two outcomes. */
function isSum(where: number, all: readonly Uint8Array[]): boolean {
  const total = all.reduce((sum, { length }) => sum + 20 + length, 0)
  let end = 0
  return all.some(({ length }) => {
    end += 20 + length
    return end === 1 + (where % (total - 1))
  })
}

const MODULE = `
  import { parentPort } from 'node:worker_threads'
  const forged = (waybill) => [
    { waybill, outcomes: 'text' }, { waybill, outcomes: new Uint8Array(7) }, { waybill, outcomes: new Uint8Array(50).fill(255) },
    { waybill, index: 0, progress: 'text' }, { waybill, index: 0, progress: new Uint8Array(3).fill(255) },
    { waybill, index: 0, log: {} }, { waybill, index: 0 }, { waybill, index: -1, log: 'no' }, { waybill, index: 0.5, log: 'no' },
  ]
  export default (input) => {
    for (const message of [undefined, null, 0, 'text', [], {}, new Uint8Array(3), ...[0, 1, 2].flatMap(forged)])
      parentPort.postMessage(message)
    return input
  }`

test('a worker module that posts messages of its own, or forged ones, disturbs nobody', async (t) => {
  const directory = await temporaryDirectory(t)
  const module = join(directory, 'talker.mjs')
  await writeFile(module, MODULE)
  const script = `
    const [directory, module] = process.argv.slice(2)
    const queue = await JobQueue.open(directory, { workers: { talker: module }, maxWorkers: 1, attempts: 1 })
    queue.on('log', (_job, text) => console.log('log', text))
    queue.on('progress', (_job, value) => console.log('progress', value))
    console.log(await (await queue.enqueue('talker', 'one')).finished())
    const jobs = await queue.enqueueMany('talker', [1, 2, 3])
    console.log(JSON.stringify(await Promise.all(jobs.map((job) => job.finished()))))
    await queue.close()`
  const { stdout, stderr } = await runScript(t, script, [join(directory, 'queue'), module])
  assert.deepEqual([stdout, stderr], ['one\n[1,2,3]\n', ''])
})
