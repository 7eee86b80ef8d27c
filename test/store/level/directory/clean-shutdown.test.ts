/** The note of how long the logs were when a directory was closed. */
import assert from 'node:assert/strict'
import { appendFile, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  forgetLengths,
  noteClosed,
  notedLengths,
} from '../../../../src/store/level/directory/clean-shutdown.js'
import { storedQueue } from '../../../support/damage.js'
import { temporaryDirectory } from '../../../support/directory.js'

async function withLog(t: TestContext): Promise<{ directory: string; name: string; length: number }> {
  const { directory } = await storedQueue(t)
  const name = (await readdir(directory)).find((each) => each.endsWith('.log')) ?? assert.fail()
  await forgetLengths(directory)
  return { directory, name, length: (await stat(join(directory, name))).size }
}

test('the length of each log is noted, of an empty one too, and of nothing else', async (t) => {
  const { directory, name, length } = await withLog(t)
  await writeFile(join(directory, '999999.log'), '')
  assert.deepEqual([...(await notedLengths(directory))], [])
  await noteClosed(directory)
  assert.deepEqual(
    await notedLengths(directory),
    new Map([
      [name, length],
      ['999999.log', 0],
    ]),
  )
})

test('a log whose end is torn is not noted: its length says nothing', async (t) => {
  const { directory, name, length } = await withLog(t)
  const path = join(directory, name)
  // What a write that failed leaves: the beginning of a record, or zeros.
  for (const end of [Buffer.of(1, 2, 3, 4, 200, 0, 1, 7), Buffer.alloc(20)]) {
    await appendFile(path, end)
    await noteClosed(directory)
    assert.deepEqual([...(await notedLengths(directory))], [])
    await truncate(path, length)
  }
  await truncate(path, length - 1)
  await noteClosed(directory)
  assert.deepEqual([...(await notedLengths(directory))], [])
})

test('a note that is missing or torn says nothing of the logs whose line is not whole', async (t) => {
  const directory = await temporaryDirectory(t)
  assert.deepEqual([...(await notedLengths(directory))], [])
  await writeFile(join(directory, 'CLOSED'), '000003.log 12\n000004.log 1')
  assert.deepEqual([...(await notedLengths(directory))], [['000003.log', 12]])
})
