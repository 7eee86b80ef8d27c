import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { chanceOf } from '../support/chance.js'
import { moments, tryCuts, withRecording } from './cuts.js'
import { whyNot } from './recording.js'

const skip = (await whyNot()) ?? false
const SMALL = { seed: 1, rounds: 20, large: 2000 }
/** LevelDB goes on to a new log every 16 MiB. */
const LARGE = { seed: 2, rounds: 7, large: 2 ** 22 }

test('every acknowledged job and checkpoint survives a power cut at any moment, and reported outcomes do or the job runs again', {
  skip,
}, async () => {
  await withRecording({ durability: 'disk', ...SMALL }, async (recorded) => {
    const chance = chanceOf(1)
    const cuts = moments(recorded.recording.events, 40, chance)
    const tried = await tryCuts(recorded, [...cuts, recorded.recording.events.length], chance, 10)
    const { jobs, outcomes, checkpoints } = tried
    assert.ok(jobs > 500 && outcomes > 100 && checkpoints > 50, JSON.stringify(tried))
    assert.equal(tried.lost, 0)
  })
})

test('every acknowledged job survives a power cut while LevelDB changes from one log to the next', {
  skip,
}, async () => {
  await withRecording({ durability: 'disk', ...LARGE }, async (recorded) => {
    const { events } = recorded.recording
    const [, change = 0] = events.flatMap((event, index) =>
      event.what === 'create' && event.name.endsWith('.log') ? [index] : [],
    )
    const made = events[change]
    assert.ok(
      made?.what === 'create' && made.name.endsWith('000004.log'),
      'it is not an opening that made it',
    )
    const chance = chanceOf(2)
    const cuts = [5, 15, 30].map((further) => change + further)
    const tried = await tryCuts(recorded, cuts, chance, 4)
    assert.equal(tried.lost, 0)
  })
})

test("with durability 'process' a power cut may lose the last jobs, but leaves the state of one moment", {
  skip,
}, async () => {
  await withRecording({ durability: 'process', ...SMALL }, async (recorded) => {
    const chance = chanceOf(3)
    const cuts = moments(recorded.recording.events, 20, chance)
    const tried = await tryCuts(recorded, cuts, chance, 5)
    assert.ok(tried.lost > 0, 'otherwise the test says nothing about the loss')
  })
})

test('the names of a new directory and its files are on disk before the first job is acknowledged', {
  skip,
}, async () => {
  await withRecording({ durability: 'disk', ...SMALL, rounds: 1 }, async ({ recording: { events } }) => {
    const first = events.findIndex((event) => event.what === 'said')
    const lastSync = (directory: string) =>
      events.findLastIndex(
        (event, index) => index < first && event.what === 'syncdir' && event.name === directory,
      )
    let checked = 0
    for (const [index, event] of events.slice(0, first).entries()) {
      const name = event.what === 'mkdir' ? event.name : event.what === 'rename' ? event.to : undefined
      if (name === undefined || /(LOG.old|OWNER)$/.test(name)) continue
      assert.ok(lastSync(dirname(name)) > index, `${name} got its name, and ${dirname(name)} was not synced`)
      checked++
    }
    assert.ok(checked >= 4, 'two directories are made, and CURRENT is set twice')
  })
})
