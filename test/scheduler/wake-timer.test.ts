import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { WakeTimer } from '../../src/scheduler/wake-timer.js'

/** A timer under a clock that the test moves, and how often it has called. */
function timerAt(t: TestContext, now: number): { timer: WakeTimer; calls: () => number } {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now })
  let calls = 0
  const timer = new WakeTimer(() => calls++)
  return { timer, calls: () => calls }
}

test('it calls once, at its time and not before', (t) => {
  const { timer, calls } = timerAt(t, 1000)
  timer.wakeAt(1500)
  t.mock.timers.tick(499)
  assert.equal(calls(), 0)
  t.mock.timers.tick(1)
  assert.equal(calls(), 1)
  t.mock.timers.tick(100_000)
  assert.equal(calls(), 1)
})

test('a time that is past calls soon, but not at once', (t) => {
  const { timer, calls } = timerAt(t, 1000)
  timer.wakeAt(5)
  assert.equal(calls(), 0)
  t.mock.timers.tick(1)
  assert.equal(calls(), 1)
})

test('a new time replaces the one before, be it earlier, later or none', (t) => {
  const { timer, calls } = timerAt(t, 0)
  timer.wakeAt(100)
  timer.wakeAt(50)
  t.mock.timers.tick(50)
  assert.equal(calls(), 1)
  timer.wakeAt(100)
  timer.wakeAt(300)
  t.mock.timers.tick(150)
  assert.equal(calls(), 1)
  timer.wakeAt(undefined)
  t.mock.timers.tick(1000)
  assert.equal(calls(), 1)
  timer.wakeAt(2000)
  timer.stop()
  t.mock.timers.tick(5000)
  assert.equal(calls(), 1)
})

test('the same time can be set again once it has called', (t) => {
  const { timer, calls } = timerAt(t, 0)
  timer.wakeAt(10)
  timer.wakeAt(10)
  t.mock.timers.tick(10)
  assert.equal(calls(), 1)
  timer.wakeAt(10)
  t.mock.timers.tick(1)
  assert.equal(calls(), 2)
})

test('it can be set from within its own call', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 })
  const calledAt: number[] = []
  const timer = new WakeTimer(() => {
    calledAt.push(Date.now())
    if (calledAt.length < 3) timer.wakeAt(Date.now() + 10)
  })
  timer.wakeAt(10)
  for (let ms = 0; ms < 50; ms++) t.mock.timers.tick(1)
  assert.deepEqual(calledAt, [10, 20, 30])
})

test('a distant time is beyond the range of setTimeout, and is kept all the same', (t) => {
  const { timer, calls } = timerAt(t, 0)
  timer.wakeAt(2 ** 33)
  t.mock.timers.tick(60_000)
  assert.equal(calls(), 0)
  t.mock.timers.setTime(2 ** 33)
  t.mock.timers.tick(1000)
  assert.equal(calls(), 1)
})

test('a clock that is set forward is noticed within a second, one set back is waited for', (t) => {
  const { timer, calls } = timerAt(t, 1_000_000)
  timer.wakeAt(9_000_000)
  t.mock.timers.tick(1)
  const realNow = Date.now
  t.after(() => {
    Date.now = realNow
  })
  Date.now = () => 10_000_000
  t.mock.timers.tick(1000)
  assert.equal(calls(), 1)
  Date.now = realNow
  timer.wakeAt(realNow() + 100)
  Date.now = () => 0
  t.mock.timers.tick(100)
  assert.equal(calls(), 1)
})

test('a process ends with an unreferenced timer, set before or after, and stays for a referenced one', () => {
  const run = (script: string) => {
    const url = new URL('../../src/scheduler/wake-timer.js', import.meta.url).href
    const source = `import { WakeTimer } from ${JSON.stringify(url)}
      const timer = new WakeTimer(() => console.log('woke'))
      ${script}`
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' })
    assert.equal(ended.status, 0, ended.stderr)
    return ended.stdout.trim()
  }
  assert.equal(run('timer.wakeAt(Date.now() + 60_000); timer.unref()'), '')
  assert.equal(run('timer.unref(); timer.wakeAt(Date.now() + 60_000)'), '')
  assert.equal(run('timer.unref(); timer.wakeAt(Date.now() + 20); timer.ref()'), 'woke')
  assert.equal(run('timer.unref(); timer.ref(); timer.wakeAt(Date.now() + 20)'), 'woke')
})
