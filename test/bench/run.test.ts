import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SHARES } from '../../bench/answer.js'
import { readResults } from '../../bench/results.js'
import { temporaryDirectory } from '../support/directory.js'

const BENCH = fileURLToPath(new URL('../../bench/run.js', import.meta.url))

async function bench(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [BENCH, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  const [[code], stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, stdout, stderr }
}

test('a question is answered by a table, and in a file beside what that had of others', async (t) => {
  const file = join(await temporaryDirectory(t), 'results.json')
  const other = { ...(await readResults(file)), another: { title: 'asked before' } }
  await writeFile(file, JSON.stringify(other))
  const { code, stdout, stderr } = await bench('latency', '--quick', '--json', file)
  assert.equal(code, 0, stderr)
  assert.match(stderr, /^latency: acknowledged \(row \d of \d, round 1 of 1\)$/m)
  assert.match(stdout, /^## One job on an idle queue \(latency\)$/m)
  assert.match(
    stdout,
    /^\| acknowledged +\| +[\d,]+ \| +[\d,]+ \| +[\d,]+ \| \d+\.\d\d × LevelDB put, synced +\| ≤ 1\.3 +\|$/m,
  )
  const { latency, another } = await readResults(file)
  assert.equal(another?.title, 'asked before')
  assert.equal(latency?.measured.node, process.version)
  assert.equal(latency.measured.quick, true)
  assert.match(latency.measured.date, /^\d{4}-\d\d-\d\d$/)
  for (const { row, median, min, max, rounds, quantiles } of latency.answers) {
    assert.equal(rounds, 1)
    assert.ok(min === median && median === max, `${row}: one round has one figure`)
    assert.equal(quantiles?.length, SHARES.length, row)
    assert.deepEqual(
      quantiles,
      [...quantiles].sort((one, next) => one - next),
      row,
    )
  }
  assert.equal(latency.answers.find(({ row }) => row === 'acknowledged')?.against, 'LevelDB put, synced')
})

test('a check exits with 1 and names the rows that are worse than the earlier answers', async (t) => {
  const file = join(await temporaryDirectory(t), 'earlier.json')
  const first = await bench('disk', '--quick', '--json', file)
  assert.equal(first.code, 0, first.stderr)
  const earlier = (await readFile(file, 'utf8')).replace(/"median": [\d.]+/, '"median": 1')
  await writeFile(file, earlier)
  const { code, stdout } = await bench('disk', '--quick', '--check', '--results', file, '--tolerance', '0.9')
  assert.equal(code, 1, stdout)
  assert.match(stdout, /^2 rows compared, 1 worse by more than 90 %:\n {2}disk: outcomes kept \(10,000\)\n$/m)
})

test('a question that there is not is refused, and so are options that make no sense', async () => {
  const refused = await Promise.all([
    bench('nonsense'),
    bench('disk', '--rounds', '0'),
    bench('disk', '--tolerance', '20'),
    bench('--quickly'),
  ])
  assert.deepEqual(
    refused.map(({ code, stderr }) => [code, stderr.split('\n')[0]?.split(':')[0]]),
    [
      [2, 'no question "nonsense"'],
      [2, '--rounds must be a whole number from 1'],
      [2, '--tolerance must be a share, from 0 to below 1'],
      [2, "Unknown option '--quickly'"],
    ],
  )
  const { code, stdout } = await bench('--help')
  assert.deepEqual([code, stdout.includes('--rows TEXT')], [0, true])
})
