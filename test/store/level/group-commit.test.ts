import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openDirectory } from '../../../src/store/level/directory/directory.js'
import { SYNCED_KEY } from '../../../src/store/level/format/keys.js'
import { type Batch, GroupCommit } from '../../../src/store/level/group-commit.js'
import { temporaryDirectory } from '../../support/directory.js'

test('what is appended in one turn is one group: sealed once, written whole, fulfilled together', async (t) => {
  const { commits, put, keys, log } = await open(t)
  const written = ['a', 'b', 'c'].map((name) => commits.append(put(name), { sync: name === 'b' }))
  assert.deepEqual(log, [])
  await written[0]
  assert.deepEqual(log, ['seal'])
  assert.deepEqual(await keys(), ['a', 'b', 'c', 'sealed 1'])
  await Promise.all(written)
})

test('what is appended while a group is being written makes up the next one', async (t) => {
  const { commits, put, keys, log } = await open(t)
  const first = commits.append(put('a'), { after: () => log.push('after a') })
  await writing(log)
  const second = commits.append(put('b'), { after: () => log.push('after b') })
  const third = commits.append(put('c'), { after: () => log.push('after c') })
  commits.between(() => log.push('between'))
  await Promise.all([
    first.then(() => log.push('a')),
    second.then(() => log.push('b')),
    third.then(() => log.push('c')),
  ])
  assert.deepEqual(
    log.filter((entry) => entry !== 'a'),
    ['seal', 'after a', 'between', 'seal', 'after b', 'after c', 'b', 'c'],
  )
  assert.ok(log.indexOf('a') > log.indexOf('after a'))
  assert.deepEqual(await keys(), ['a', 'b', 'c', 'sealed 1', 'sealed 2'])
})

test('a large group is on its way before the turn ends, and what follows makes up the next one', async (t) => {
  const { commits, put, keys, log } = await open(t)
  const large = commits.append((batch) => batch.put(Buffer.from('large'), Buffer.alloc(600_000)))
  assert.deepEqual(log, ['seal'])
  const small = commits.append(put('small'))
  await large
  assert.deepEqual(await keys(), ['large', 'sealed 1'])
  await small
  assert.deepEqual(await keys(), ['large', 'sealed 1', 'sealed 2', 'small'])
})

test('a full group takes nothing more: groups wait for one another, sealed in the order in which they were filled', async (t) => {
  const { commits, put, log, keys } = await open(t)
  const written: Promise<void>[] = []
  for (let number = 1; number <= 8; number++) {
    written.push(
      commits.append((batch) => batch.put(Buffer.from(`large ${number}`), Buffer.alloc(3_000_000)), {
        after: () => log.push(`after ${number}`),
      }),
    )
  }
  // The first by itself, then by threes, which is all that there is room for.
  assert.deepEqual(log, ['seal', 'seal', 'seal'])
  void commits.append(put('last'), { after: () => log.push('after last') })
  const caughtUp = commits.caughtUp().then(() => log.push('caught up'))
  await Promise.all(written)
  await caughtUp
  assert.deepEqual(
    log.filter((entry) => entry !== 'seal'),
    [...Array.from({ length: 8 }, (_, index) => `after ${index + 1}`), 'after last', 'caught up'],
  )
  assert.deepEqual(
    (await keys()).filter((key) => key.startsWith('sealed')),
    ['sealed 1', 'sealed 2', 'sealed 3', 'sealed 4'],
  )
  await commits.drain()
})

test('between looks at once where nothing is being written, though something is to be', async (t) => {
  const { commits, put, log } = await open(t)
  commits.between(() => log.push('idle'))
  const written = commits.append(put('a'))
  commits.between(() => log.push('gathering'))
  assert.deepEqual(log, ['idle', 'gathering'])
  await written
})

test('what an after or a look appends is written too', async (t) => {
  const { commits, put, keys } = await open(t)
  let inner: Promise<void> | undefined
  await commits.append(put('a'), {
    after: () => {
      inner = commits.append(put('b'))
    },
  })
  await inner
  commits.between(() => {
    inner = commits.append(put('c'))
  })
  await commits.drain()
  await inner
  assert.deepEqual((await keys()).slice(0, 3), ['a', 'b', 'c'])
})

test('changes of one key take effect in the order in which they were appended', async (t) => {
  const { commits, db } = await open(t)
  const key = Buffer.from('k')
  const written: Promise<void>[] = []
  for (let value = 0; value < 200; value++) {
    written.push(commits.append((batch) => batch.put(key, Buffer.of(value))))
    if (value % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
    if (value % 50 === 0) written.push(commits.append((batch) => batch.del(key)))
  }
  await Promise.all(written)
  assert.deepEqual(await db.get(key), Buffer.of(199))
})

test('drain and caughtUp wait for what was appended', async (t) => {
  const { commits, put, log, keys } = await open(t)
  await commits.drain()
  await commits.caughtUp()
  void commits.append(put('a'), { after: () => log.push('a') })
  await writing(log)
  void commits.append(put('b'), { after: () => log.push('b') })
  await commits.caughtUp()
  assert.deepEqual(log, ['seal', 'a', 'seal', 'b'])
  void commits.append(put('c'))
  await commits.drain()
  assert.equal((await keys()).includes('c'), true)
})

test('after a failed write nothing is acknowledged any more, and the reason is told once', async (t) => {
  const { commits, db, put, log, told } = await open(t)
  await commits.append(put('a'))
  log.length = 0
  const failing = [commits.append(put('b'), { after: () => log.push('after b') }), commits.append(put('c'))]
  // A closed database refuses the batch that was made before.
  const closed = db.close()
  for (const each of failing) await assert.rejects(each, { code: 'MILLRACE_STORE' })
  await closed
  await assert.rejects(
    commits.append(() => assert.fail('nothing more is put')),
    (error) => error === told[0],
  )
  await Promise.all([commits.drain(), commits.caughtUp()])
  assert.equal(told.length, 1)
  assert.deepEqual(log, ['seal'])
  commits.between(() => log.push('between'))
  assert.deepEqual(log, ['seal', 'between'])
})

test('what was gathered while the failing group was written fails too', async (t) => {
  const { commits, db, put, log, told } = await open(t)
  const failing = commits.append(put('a'))
  const closed = db.close()
  await writing(log)
  const next = commits.append(put('b')).catch((error: unknown) => error)
  await assert.rejects(failing, { code: 'MILLRACE_STORE' })
  assert.equal(await next, told[0])
  await closed
})

async function open(t: TestContext) {
  const { db, close } = await openDirectory(await temporaryDirectory(t))
  t.after(close)
  await db.clear()
  const log: string[] = []
  const told: Error[] = []
  let groups = 0
  const commits = new GroupCommit(db, {
    fsync: true,
    assertThere: () => undefined,
    seal: (batch) => {
      log.push('seal')
      batch.put(Buffer.from(`sealed ${++groups}`), Buffer.alloc(0))
      return undefined
    },
    onBroken: (error) => told.push(error),
  })
  return {
    db,
    commits,
    log,
    told,
    put: (name: string) => (batch: Batch) => batch.put(Buffer.from(name), Buffer.alloc(0)),
    // Without the mark that each fsynced group carries.
    keys: async () => (await db.keys().all()).map(String).filter((key) => key !== String(SYNCED_KEY)),
  }
}

/** Waits until a group is on its way to the disk. */
async function writing(log: readonly string[]): Promise<void> {
  while (!log.includes('seal')) await Promise.resolve()
}
