import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { areaOf, REST, WAITING } from '../../bench/breakdown/areas.js'
import { breakDown, sharesOf, spentBetween } from '../../bench/breakdown/break-down.js'
import { breakdownTable, withBreakdown } from '../../bench/breakdown/breakdown-table.js'

const SOURCE = new URL('../../src/', import.meta.url)

test('each folder of the source that the main thread runs has an area', async () => {
  const folders = (await readdir(SOURCE, { withFileTypes: true })).filter((each) => each.isDirectory())
  // The command has a process of its own.
  for (const { name } of folders.filter((each) => each.name !== 'cli'))
    assert.notEqual(areaOf('run', new URL(`${name}/some.js`, SOURCE).href), REST, name)
})

test('code outside of the source has an area by its file, and what is no code by its name', () => {
  const areas = [
    ['(garbage collector)', ''],
    ['(program)', ''],
    ['encode', 'file:///millrace/node_modules/cbor-x/node-index.js'],
    ['postMessage', 'node:internal/worker/io'],
    ['batch', 'file:///millrace/node_modules/classic-level/index.js'],
    ['once', 'file:///millrace/dist/bench/breakdown.js'],
    ['dispatch', ''],
    ['dispatch', 'file:///millrace/dist/src/pool/pool.js'],
  ].map(([name = '', url = '']) => areaOf(name, url))
  assert.deepEqual(areas, [
    'garbage collection',
    'native code without a name (promises, fsync’s return, …)',
    'encoding and decoding values',
    'messages to threads',
    'LevelDB’s interface',
    'the bench itself',
    WAITING,
    'waybills and threads',
  ])
})

test('a profile is shared out by area, without the time of waiting', () => {
  const frame = (functionName: string, url = '') => ({
    functionName,
    url,
    scriptId: '0',
    lineNumber: 0,
    columnNumber: 0,
  })
  const shares = sharesOf({
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      {
        id: 2,
        callFrame: frame('settle', 'file:///millrace/dist/src/store/level/settlements.js'),
        children: [4, 5],
      },
      { id: 3, callFrame: frame('push', 'node:internal/fixed_queue') },
      { id: 4, callFrame: frame('') },
      { id: 5, callFrame: frame('now', 'node:internal/timers') },
    ],
    startTime: 0,
    endTime: 0,
    samples: [1, 2, 3, 2, 4, 5],
    timeDeltas: [1000, 10, 30, 20, 30, 10],
  })
  assert.deepEqual(
    [...shares],
    [
      ['records, chunks, windows, counts', 0.6],
      [REST, 0.4],
    ],
  )
  assert.equal(areaOf('(idle)', ''), WAITING)
})

test('what threads have used before does not count, and what new ones have used does', () => {
  const before = new Map([
    ['1', { name: 'node', ms: 100 }],
    ['2', { name: 'node', ms: 10 }],
    ['3', { name: 'node', ms: 7 }],
  ])
  const after = new Map([
    ['1', { name: 'node', ms: 103 }],
    ['2', { name: 'node', ms: 20 }],
    ['4', { name: 'node', ms: 5 }],
  ])
  assert.deepEqual(spentBetween(before, after, '1'), { mainMs: 3, otherMs: 15 })
})

test('a load is run twice, and broken down to the job', { skip: process.platform !== 'linux' }, async () => {
  let runs = 0
  const { wall, mainThread, areas } = await breakDown(10, async () => {
    runs++
    const before = process.cpuUsage()
    while (process.cpuUsage(before).user < 50_000);
  })
  assert.equal(runs, 2)
  assert.ok(mainThread >= 4000 && mainThread <= 1.1 * wall, `${mainThread} of ${wall} µs`)
  const sum = [...areas.values()].reduce((one, other) => one + other, 0)
  assert.ok(Math.abs(sum - mainThread) < 1, `${sum} is not ${mainThread}`)
})

test('the table has a column for each load, and the costliest first', () => {
  const first = { wall: 6.5, mainThread: 5, otherThreads: 3, areas: new Map([['scheduling', 1]]) }
  const second = {
    ...first,
    areas: new Map([
      ['records', 4],
      ['scheduling', 0.5],
      ['next to nothing', 0.004],
    ]),
  }
  const columns = new Map([
    ['no-op', second],
    ['10 ms', first],
  ])
  assert.equal(
    breakdownTable(columns),
    `
| µs per job | no-op | 10 ms |
|---|---:|---:|
| from one job to the next | 6.50 | 6.50 |
| CPU of all threads but the main one | 3.00 | 3.00 |
| **CPU of the main thread** | 5.00 | 5.00 |
| records | 4.00 | 0.00 |
| scheduling | 0.50 | 1.00 |`.trim(),
  )
})

test('the table goes to its place in the document on performance', async () => {
  const file = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url))
  const document = await readFile(file, 'utf8')
  const written = withBreakdown(document, 'the table')
  assert.match(written, /<!-- breakdown -->\n\nthe table\n\n<!-- end of breakdown -->/)
  assert.equal(withBreakdown(written, 'the table'), written)
  assert.ok(written.startsWith(document.slice(0, document.indexOf('<!-- breakdown'))))
  assert.ok(written.endsWith(document.slice(document.indexOf('<!-- end of'))))
  assert.throws(() => withBreakdown('a page', 'the table'), /no place/)
})
