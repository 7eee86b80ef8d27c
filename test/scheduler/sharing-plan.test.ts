/** Which jobs are claimed for threads that jobs of a task share. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lane } from '../../src/scheduler/lanes/lane.js'
import { type PlanFor, WaybillPlan } from '../../src/scheduler/waybill-plan.js'
import type { Waiting } from '../../src/store/store.js'
import type { TaskConfig } from '../../src/tasks/tasks.js'

const CONFIG: TaskConfig = {
  name: 'task',
  concurrency: Number.POSITIVE_INFINITY,
  perThread: 1,
  attempts: 3,
  backoff: 0,
  timeout: 0,
  resourceLimits: undefined,
  capturesConsole: false,
}
const PLAIN = 0
const SHARING = 1
const OTHER = 2

/** An ordinary lane of short jobs, and two whose jobs share threads. */
function lanes() {
  const all = [CONFIG, { ...CONFIG, perThread: 3 }, { ...CONFIG, perThread: 5 }].map(
    (config) => new Lane(config),
  )
  const [plain, sharing, other] = all as [Lane, Lane, Lane]
  plain.learn(1)
  const plan = (planFor: PlanFor) => new WaybillPlan(10, (lane) => all[lane], planFor)
  return { plain, sharing, other, plan }
}

function waiting(lane: number, priority = 0, alone = false): Waiting {
  return { place: { lane, priority, seq: 1 }, bytes: 100, alone }
}

test('a job that shares a thread takes a free one, fills it, and travels by itself', () => {
  const { sharing, plan } = lanes()
  const first = plan('free')
  assert.deepEqual(
    [SHARING, SHARING].map((lane) => first.pick(waiting(lane))),
    ['take', 'stop'],
  )
  const thread = first.sharedThread
  assert.ok(thread && sharing.sharedThreads.has(thread))
  for (thread.out = 1; thread.out < 3; thread.out++) {
    const next = plan('free')
    assert.equal(next.pick(waiting(SHARING)), 'take')
    assert.equal(next.sharedThread, thread)
    assert.deepEqual([next.isShort, next.isInDoubt], [false, true])
  }
  const another = plan('free')
  assert.equal(another.pick(waiting(SHARING)), 'take')
  assert.notEqual(another.sharedThread, thread)
})

test('ordinary jobs do not travel with one that shares a thread, nor it with them', () => {
  const { plan } = lanes()
  for (const order of [
    [SHARING, PLAIN],
    [PLAIN, SHARING],
    [SHARING, OTHER],
  ]) {
    const each = plan('free')
    assert.deepEqual(
      order.map((lane) => each.pick(waiting(lane))),
      ['take', 'stop'],
    )
  }
})

test('the fullest thread that has room and is usable is filled first', () => {
  const { other } = lanes()
  const threads = [other.share(), other.share(), other.share(), other.share()]
  const outs = [1, 3, 5, 4]
  threads.forEach((thread, index) => {
    thread.out = outs[index] as number
  })
  const [, second, , ending] = threads
  if (ending) ending.thread = { isUsable: false }
  assert.equal(other.threadWithRoom, second)
  if (ending) ending.thread = { isUsable: true }
  assert.equal(other.threadWithRoom, ending)
})

test('a job whose threads are full waits for a free one, as does one that must run alone', () => {
  const { sharing, plan } = lanes()
  assert.deepEqual(
    [plan('ahead').pick(waiting(SHARING)), plan('shared').pick(waiting(SHARING))],
    ['stop', 'skip'],
  )
  sharing.share()
  assert.deepEqual(
    [plan('ahead').pick(waiting(SHARING)), plan('shared').pick(waiting(SHARING))],
    ['take', 'take'],
  )
  const alone = waiting(SHARING, 0, true)
  assert.deepEqual([plan('ahead').pick(alone), plan('shared').pick(alone)], ['stop', 'skip'])
  const free = plan('free')
  assert.deepEqual([free.pick(alone), free.sharedThread, free.isInDoubt], ['take', undefined, false])
})

test('while no thread is free, so many jobs as fill a thread overtake those that wait for one', () => {
  const { sharing, other, plan } = lanes()
  sharing.share()
  // In its turn it overtakes nobody.
  for (let turn = 0; turn < 5; turn++) assert.equal(plan('shared').pick(waiting(SHARING)), 'take')
  const overtake = () => {
    const each = plan('shared')
    return [each.pick(waiting(PLAIN)), each.pick(waiting(SHARING))]
  }
  assert.deepEqual(
    [overtake(), overtake(), overtake()],
    [
      ['skip', 'take'],
      ['skip', 'take'],
      ['skip', 'skip'],
    ],
  )
  // One of another task, whose threads are full, waits for a free one too.
  const behind = plan('shared')
  assert.deepEqual([behind.pick(waiting(OTHER)), behind.pick(waiting(SHARING))], ['skip', 'skip'])
  other.share()
  assert.deepEqual([plan('shared').pick(waiting(OTHER)), other.overtaking], ['take', 4])
  sharing.share()
  assert.deepEqual(overtake(), ['skip', 'take'])
})

test('none overtakes a more urgent one', () => {
  const { sharing, plan } = lanes()
  sharing.share()
  const each = plan('shared')
  assert.deepEqual([each.pick(waiting(PLAIN, -1)), each.pick(waiting(SHARING, 0))], ['skip', 'stop'])
  const first = plan('shared')
  assert.deepEqual(
    [first.pick(waiting(PLAIN, -1)), first.pick(waiting(OTHER, 0)), first.pick(waiting(SHARING, 0))],
    ['skip', 'skip', 'stop'],
  )
})

test('those that cannot run anyway are not overtaken', () => {
  const { plain, sharing, plan } = lanes()
  sharing.share()
  plain.isPaused = true
  const each = plan('shared')
  assert.deepEqual([each.pick(waiting(PLAIN, -1)), each.pick(waiting(SHARING))], ['hold', 'take'])
  assert.equal(sharing.overtaking, 2)
})
