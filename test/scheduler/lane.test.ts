import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lane } from '../../src/scheduler/lanes/lane.js'
import { WaybillPlan } from '../../src/scheduler/waybill-plan.js'
import type { Waiting } from '../../src/store/store.js'
import type { TaskConfig } from '../../src/tasks/tasks.js'

const CONFIG: TaskConfig = {
  name: 'echo',
  concurrency: Number.POSITIVE_INFINITY,
  perThread: 1,
  attempts: 3,
  backoff: 0,
  timeout: 0,
  resourceLimits: undefined,
  capturesConsole: false,
}

function laneOf(estimateMs: number, config: Partial<TaskConfig> = {}): Lane {
  const lane = new Lane({ ...CONFIG, ...config })
  lane.learn(estimateMs)
  return lane
}

function waiting(lane: number, rest: Partial<Waiting> = {}): Waiting {
  return { place: { lane, priority: 0, seq: 1 }, bytes: 100, alone: false, ...rest }
}

/** How many jobs of lane 0, all alike, a plan takes. */
function taken(lane: Lane, most: number, job: Partial<Waiting> = {}): number {
  const plan = new WaybillPlan(most, () => lane)
  let count = 0
  while (plan.pick(waiting(0, job)) === 'take') count++
  return count
}

test('a lane whose jobs are not known yet sends one at a time', () => {
  assert.equal(taken(new Lane(CONFIG), 100), 1)
})

test('short jobs travel together, for about 10 ms of work', () => {
  assert.equal(taken(laneOf(0.9375), 1000), 10)
  assert.equal(taken(laneOf(2), 1000), 5)
  assert.equal(taken(laneOf(6), 1000), 1)
  assert.equal(taken(laneOf(50), 1000), 1)
})

test('a waybill takes no more than its share, than 300 jobs, or than 4 MiB unless one job is larger', () => {
  const lane = laneOf(0)
  assert.equal(taken(lane, 7), 7)
  assert.equal(taken(lane, 5000), 300)
  assert.equal(taken(lane, 1000, { bytes: 1_200_000 }), 3)
  assert.equal(taken(lane, 1000, { bytes: 5_000_000 }), 1)
})

test('the estimate follows what jobs take, a step at a time', () => {
  const lane = new Lane(CONFIG)
  assert.equal(lane.estimateMs, Number.POSITIVE_INFINITY)
  lane.learn(10)
  assert.equal(lane.estimateMs, 10)
  lane.learn(0)
  assert.equal(lane.estimateMs, 7)
  for (let waybill = 0; waybill < 50; waybill++) lane.learn(1)
  assert.ok(lane.estimateMs > 0.99 && lane.estimateMs < 1.01)
})

test('a job that must travel alone does, wherever it stands', () => {
  const plan = new WaybillPlan(10, () => laneOf(0))
  assert.equal(plan.pick(waiting(0, { alone: true })), 'take')
  assert.equal(plan.pick(waiting(0)), 'stop')
  const other = new WaybillPlan(10, () => laneOf(0))
  assert.equal(other.pick(waiting(0)), 'take')
  assert.equal(other.pick(waiting(0, { alone: true })), 'stop')
})

test('jobs of several lanes travel together if their threads are interchangeable', () => {
  const limits = { maxOldGenerationSizeMb: 64 }
  const lanes = [
    laneOf(0),
    laneOf(0),
    laneOf(0, { resourceLimits: limits }),
    laneOf(0, { resourceLimits: { ...limits } }),
  ]
  const plan = new WaybillPlan(10, (lane) => lanes[lane])
  assert.deepEqual(
    [0, 1, 2].map((lane) => plan.pick(waiting(lane))),
    ['take', 'take', 'stop'],
  )
  assert.deepEqual([...plan.lanes], lanes.slice(0, 2))
  const limited = new WaybillPlan(10, (lane) => lanes[lane])
  assert.deepEqual(
    [2, 3, 0].map((lane) => limited.pick(waiting(lane))),
    ['take', 'take', 'stop'],
  )
})

test('lanes that are full are skipped; those that are paused or unknown are held', () => {
  const paused = laneOf(0)
  paused.isPaused = true
  const full = laneOf(0, { concurrency: 2 })
  full.out = 2
  const lanes = [paused, full, undefined, laneOf(0)]
  const plan = new WaybillPlan(10, (lane) => lanes[lane])
  assert.deepEqual(
    [0, 1, 2, 3].map((lane) => plan.pick(waiting(lane))),
    ['hold', 'skip', 'hold', 'take'],
  )
  full.out = 1
  assert.equal(new WaybillPlan(10, () => full).pick(waiting(1)), 'take')
})

test('a lane that this waybill fills up still gives it more: one waybill is one run after another', () => {
  const lane = laneOf(0, { concurrency: 1 })
  assert.equal(taken(lane, 5), 5)
})

test('ahead of a free thread, a plan takes short jobs only, and none that must run alone', () => {
  const lanes = [laneOf(1), laneOf(21), new Lane(CONFIG)]
  const ahead = () => new WaybillPlan(10, (lane) => lanes[lane], 'ahead')
  assert.deepEqual(
    [0, 1, 2].map((lane) => ahead().pick(waiting(lane))),
    ['take', 'stop', 'stop'],
  )
  assert.equal(ahead().pick(waiting(0, { alone: true })), 'stop')
  const plan = ahead()
  assert.deepEqual([plan.pick(waiting(0)), plan.pick(waiting(0, { alone: true }))], ['take', 'stop'])
})

test('a plan is short if its thread will soon be free', () => {
  const lanes = [laneOf(1), laneOf(50), new Lane(CONFIG)]
  for (const [lane, isShort] of [
    [0, true],
    [1, false],
    [2, false],
  ] as const) {
    const plan = new WaybillPlan(10, (number) => lanes[number])
    plan.pick(waiting(lane))
    assert.equal(plan.isShort, isShort)
  }
})
