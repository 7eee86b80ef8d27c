import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDirectory } from '../../../../src/store/level/directory/directory.js'
import { FORMAT, FORMAT_KEY } from '../../../../src/store/level/format/keys.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { startScript } from '../../../support/script.js'

const LOCKED = { code: 'MILLRACE_LOCKED' }

test('a directory is made, marked, and opened again', async (t) => {
  const directory = join(await temporaryDirectory(t), 'deep', 'down')
  const { db, close } = await openDirectory(directory)
  await db.put(Buffer.from('k'), Buffer.from('v'))
  await close()
  const again = await openDirectory(directory)
  t.after(again.close)
  assert.equal(String(await again.db.get(Buffer.from('k'))), 'v')
  assert.ok((await readdir(directory)).includes('MILLRACE'))
})

test('a directory that was moved is what it was', async (t) => {
  const parent = await temporaryDirectory(t)
  const { db, close } = await openDirectory(join(parent, 'old'))
  await db.put(Buffer.from('k'), Buffer.from('v'))
  await close()
  await rename(join(parent, 'old'), join(parent, 'new'))
  const again = await openDirectory(join(parent, 'new'))
  t.after(again.close)
  assert.equal(String(await again.db.get(Buffer.from('k'))), 'v')
})

test('a directory whose making was cut short is made', async (t) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'empty'))
  await mkdir(join(directory, 'marked'), { mode: 0o700 })
  await writeFile(join(directory, 'marked', 'MILLRACE'), '')
  for (const name of ['empty', 'marked']) {
    const { close } = await openDirectory(join(directory, name))
    await close()
  }
})

test('what is not millrace’s is refused by name, and not touched', async (t) => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'CURRENT')
  await writeFile(file, 'the present')
  await assert.rejects(openDirectory(directory), { code: 'MILLRACE_NOT_A_QUEUE', message: /CURRENT/ })
  await assert.rejects(openDirectory(file), { code: 'MILLRACE_NOT_A_QUEUE', message: /not a directory/ })
  await assert.rejects(openDirectory(join(file, 'below')), { code: 'MILLRACE_NOT_A_QUEUE' })
  assert.deepEqual(await readdir(directory), ['CURRENT'])
})

test('a directory of another format is refused, and can be opened once it is of this one', async (t) => {
  const directory = await temporaryDirectory(t)
  const { db, close } = await openDirectory(directory)
  const setFormat = (bytes: Buffer) => db.put(FORMAT_KEY, bytes)
  await setFormat(Buffer.of(FORMAT + 1))
  await close()
  const refusal = {
    code: 'MILLRACE_FORMAT',
    message: new RegExp(`format ${FORMAT + 1}.*formats up to ${FORMAT}:`),
  }
  await assert.rejects(openDirectory(directory), refusal)
  // The refusal holds on to nothing, or this would say that it is locked.
  await assert.rejects(openDirectory(directory), refusal)
  await db.open()
  await setFormat(Buffer.of(FORMAT, 0))
  await db.close()
  await assert.rejects(openDirectory(directory), { code: 'MILLRACE_FORMAT' })
  await db.open()
  await setFormat(Buffer.of(FORMAT))
  await db.close()
  const again = await openDirectory(directory)
  await again.close()
})

test('a second open in this process is refused, by any name, until the first is closed', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'queue')
  const { close } = await openDirectory(directory)
  await symlink(directory, join(parent, 'link'))
  for (const name of ['queue', 'link', 'queue/../queue'])
    await assert.rejects(openDirectory(`${parent}/${name}`), { ...LOCKED, pid: process.pid })
  await close()
  const [first, second] = await Promise.allSettled([openDirectory(directory), openDirectory(directory)])
  const winner = [first, second].find(({ status }) => status === 'fulfilled')
  const loser = [first, second].find(({ status }) => status === 'rejected')
  assert.equal(loser?.status === 'rejected' && loser.reason.code, 'MILLRACE_LOCKED')
  if (winner?.status === 'fulfilled') t.after(winner.value.close)
})

test('an open in another process is refused with its pid, until that is killed', async (t) => {
  const directory = join(await temporaryDirectory(t), 'queue')
  const child = await holder(t, directory)
  await assert.rejects(openDirectory(directory), {
    ...LOCKED,
    pid: child.pid,
    message: new RegExp(
      `another process \\(process ${child.pid} was the last to open it\\): close that queue`,
    ),
  })
  // Whoever asks changes nothing for the holder, nor for the next one who asks.
  await assert.rejects(openDirectory(directory), { ...LOCKED, pid: child.pid })
  await rm(join(directory, 'OWNER'))
  await assert.rejects(openDirectory(directory), { ...LOCKED, pid: undefined, message: /another process/ })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { close } = await openDirectory(directory)
  await close()
})

test('a second open in this process leaves the lock against other processes alone', async (t) => {
  const directory = join(await temporaryDirectory(t), 'queue')
  const { close } = await openDirectory(directory)
  t.after(close)
  await assert.rejects(openDirectory(directory), LOCKED)
  const child = await startScript(
    t,
    `await JobQueue.open(process.argv[2], { workers: {} }).catch(({ code, pid }) => console.log(code, pid))`,
    [directory],
  )
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  assert.equal(String(line), `MILLRACE_LOCKED ${process.pid}\n`)
})

test('a directory that may not be read, or whose parent may not be written, is refused with the reason', async (t) => {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'queue')
  await (await openDirectory(directory)).close()
  await chmod(directory, 0o000)
  await chmod(parent, 0o555)
  await withoutPrivileges(async () => {
    const refused = { code: 'MILLRACE_STORE', message: /EACCES/ }
    await assert.rejects(openDirectory(directory), refused)
    await assert.rejects(openDirectory(join(parent, 'new')), refused)
  })
  for (const path of [parent, directory]) await chmod(path, 0o755)
  const { close } = await openDirectory(directory)
  await close()
})

test('a directory whose files are damaged is refused with the reason, and let go of', async (t) => {
  const directory = await temporaryDirectory(t)
  await (await openDirectory(directory)).close()
  await writeFile(join(directory, 'CURRENT'), 'nonsense')
  for (let attempt = 0; attempt < 2; attempt++)
    await assert.rejects(openDirectory(directory), { code: 'MILLRACE_CORRUPT', message: /CURRENT/ })
})

/** A process that has the directory open. */
async function holder(t: TestContext, directory: string) {
  const child = await startScript(
    t,
    `await JobQueue.open(process.argv[2], { workers: {} })
    setInterval(() => {}, 1000)
    console.log('open')`,
    [directory],
  )
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

/** The superuser is refused nothing: becomes somebody else for a while. */
async function withoutPrivileges(act: () => Promise<void>): Promise<void> {
  const user = process.geteuid?.()
  if (user === 0) process.seteuid?.(65_534)
  try {
    await act()
  } finally {
    if (user === 0) process.seteuid?.(0)
  }
}
