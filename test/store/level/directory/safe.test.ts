/** Directories that other users own, can write, or have prepared. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { JobQueue } from '../../../../src/index.js'
import { give, NO_OTHER_USER, OTHER } from '../../../support/another-user.js'
import { temporaryDirectory } from '../../../support/directory.js'
import { openQueue } from '../../../support/queue.js'

const UNSAFE = { code: 'MILLRACE_UNSAFE_DIRECTORY' }
const posix = { skip: process.platform === 'win32' && 'Windows has no such modes' }
const asRoot = { skip: NO_OTHER_USER }

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

/** A closed queue with one job, a file of the user's beside it, and another queue that is open, for its backup. */
async function scene(t: TestContext) {
  const parent = await temporaryDirectory(t)
  const directory = join(parent, 'jobs')
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  await queue.enqueue('echo', 1)
  await queue.close()
  const victim = join(parent, 'victim')
  await writeFile(victim, 'mine')
  const other = await openQueue(t, { maxWorkers: 0 })
  return { parent, directory, victim, other }
}

/** Every way in which a directory is taken. */
function takings(t: TestContext, directory: string, other: JobQueue): Record<string, () => Promise<unknown>> {
  return {
    open: () => openQueue(t, { directory, maxWorkers: 0 }),
    repair: () => JobQueue.repair(directory),
    backup: () => other.backup(directory),
  }
}

test(
  'a queue that other users may write is neither opened nor repaired, until it is closed to them',
  posix,
  async (t) => {
    const { directory, other } = await scene(t)
    const { open, repair } = takings(t, directory, other)
    for (const mode of [0o720, 0o702, 0o777, 0o1777]) {
      await chmod(directory, mode)
      const before = await readdir(directory)
      for (const take of [open, repair])
        await assert.rejects(take?.() ?? assert.fail(), {
          ...UNSAFE,
          message: /may be written by other users .*chmod go-w/,
        })
      assert.deepEqual(await readdir(directory), before)
    }
    await chmod(directory, 0o700)
    await open?.()
  },
)

test('a queue that other users may read is opened as it is, and that is said once', posix, async (t) => {
  const { directory } = await scene(t)
  await chmod(directory, 0o755)
  const warned = once(process, 'warning')
  let warnings = 0
  const count = ({ code }: Error & { code?: string }) => {
    if (code === 'MILLRACE_READABLE') warnings++
  }
  process.on('warning', count)
  t.after(() => process.off('warning', count))
  for (let round = 0; round < 2; round++) await (await openQueue(t, { directory, maxWorkers: 0 })).close()
  const [warning] = (await warned) as [Error & { code: string }]
  assert.deepEqual([warning.code, warning.message.includes('chmod 700')], ['MILLRACE_READABLE', true])
  assert.equal(await modeOf(directory), 0o755)
  assert.equal(warnings, 1)
})

test(
  'a directory of another user’s is not taken, not even by the superuser, but if he says that he trusts it',
  asRoot,
  async (t) => {
    const { parent, directory, other } = await scene(t)
    await give(directory, OTHER)
    const empty = join(parent, 'empty')
    await mkdir(empty)
    await chown(empty, OTHER, OTHER)
    const refused = {
      ...UNSAFE,
      message: new RegExp(`belongs to user ${OTHER}, and this process is run by user 0`),
    }
    const { open, repair } = takings(t, directory, other)
    for (const take of [open, repair]) await assert.rejects(take?.() ?? assert.fail(), refused)
    for (const take of Object.values(takings(t, empty, other)).filter((_, index) => index !== 1))
      await assert.rejects(take(), refused)
    assert.deepEqual(await readdir(empty), [])

    await JobQueue.repair(directory, { trustDirectory: true })
    for (const name of ['.', ...(await readdir(directory))])
      assert.equal((await stat(join(directory, name))).uid, OTHER, name)
    const queue = await openQueue(t, { directory, maxWorkers: 0, trustDirectory: true })
    assert.equal(queue.counts().waiting, 1)
    await other.backup(empty, { trustDirectory: true })
  },
)

test('trustDirectory is a boolean', async (t) => {
  const { directory, other } = await scene(t)
  const options = { trustDirectory: 'yes' } as unknown as { trustDirectory: boolean }
  const refused = { code: 'MILLRACE_OPTION', message: /trustDirectory must be true or false, got "yes"/ }
  await assert.rejects(openQueue(t, { directory, ...options }), refused)
  await assert.rejects(JobQueue.repair(directory, options), refused)
  await assert.rejects(other.backup(join(directory, 'copy'), options), refused)
})

const PLANTED = [
  'OWNER',
  'CLOSED',
  'MILLRACE',
  'LOCK',
  'REPAIR',
  'REBUILD',
  'lost',
  '000900.log',
  'MANIFEST-000900',
  'any',
]

for (const kind of ['link', 'dangling link', 'pipe'] as const)
  test(
    `a directory with a ${kind} in it is not taken, whatever its name, and what the link names is not touched`,
    posix,
    async (t) => {
      const { directory, victim, other } = await scene(t)
      for (const name of PLANTED) {
        const path = join(directory, name)
        await rename(path, `${path}.away`).catch(() => {})
        if (kind === 'pipe') execFileSync('mkfifo', [path])
        else await symlink(kind === 'link' ? victim : `${victim}-none`, path)
        const { open, repair } = takings(t, directory, other)
        for (const take of [open, repair])
          await assert.rejects(take?.() ?? assert.fail(), {
            ...UNSAFE,
            message: new RegExp(`"${name}", which is no regular file`),
          })
        await assert.rejects(stat(`${victim}-none`))
        await rm(path)
        await rename(`${path}.away`, path).catch(() => {})
      }
      assert.equal(String(await readFile(victim)), 'mine')
      await (await openQueue(t, { directory, maxWorkers: 0 })).close()
    },
  )

test('a link in the subdirectory for damaged files is not written through', posix, async (t) => {
  const { directory, victim } = await scene(t)
  await mkdir(join(directory, 'lost'))
  const [log = ''] = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  await symlink(victim, join(directory, 'lost', `${log}.damaged`))
  await assert.rejects(JobQueue.repair(directory), UNSAFE)
  assert.equal(String(await readFile(victim)), 'mine')
})

test(
  'directories that millrace makes can be entered by their owner only, whatever the umask',
  posix,
  async (t) => {
    const umask = process.umask(0o000)
    t.after(() => process.umask(umask))
    const parent = await temporaryDirectory(t)
    const queue = await openQueue(t, { directory: join(parent, 'above', 'jobs'), maxWorkers: 0 })
    await queue.backup(join(parent, 'beside', 'copy'))
    await queue.close()
    for (const name of ['above', 'above/jobs', 'beside', 'beside/copy'])
      assert.equal(await modeOf(join(parent, name)), 0o700, name)
    for (const name of ['MILLRACE', 'OWNER', 'CLOSED'])
      assert.equal(await modeOf(join(parent, 'above/jobs', name)), 0o600, name)
  },
)

test(
  'an empty directory that all may enter is closed to them; one that a group may enter stays so',
  posix,
  async (t) => {
    const parent = await temporaryDirectory(t)
    const queue = await openQueue(t, { maxWorkers: 0 })
    const made = async (name: string, mode: number) => {
      await mkdir(join(parent, name))
      await chmod(join(parent, name), mode)
      return join(parent, name)
    }
    for (const [mode, then] of [
      [0o755, 0o700],
      [0o711, 0o700],
      [0o750, 0o750],
      [0o700, 0o700],
    ] as const) {
      const directory = await made(`queue ${mode}`, mode)
      await (await openQueue(t, { directory, maxWorkers: 0 })).close()
      assert.equal(await modeOf(directory), then)
    }
    // The queue's own directory is closed to the group.
    const target = await made('copy', 0o750)
    await queue.backup(target)
    assert.equal(await modeOf(target), 0o700)
  },
)

test('what file systems and file managers put into an empty directory is no reason to refuse it', async (t) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'lost+found'))
  for (const name of ['.gitkeep', '.gitignore', '.DS_Store', 'MILLRACE.0123456789abcdef.tmp'])
    await writeFile(join(directory, name), '')
  const queue = await openQueue(t, { directory, maxWorkers: 0 })
  await queue.enqueue('echo', 1)
  await queue.close()
  const names = await readdir(directory)
  assert.ok(names.includes('.gitkeep') && names.includes('lost+found'))
  assert.ok(!names.some((name) => name.endsWith('.tmp')), 'what was left of an unfinished file is removed')
  await JobQueue.repair(directory)
  assert.equal((await openQueue(t, { directory, maxWorkers: 0 })).counts().waiting, 1)
})
