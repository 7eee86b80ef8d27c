/** The main job, examples/precompress.js, over a small folder: killed half-way, and finished by the same command. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '../support/directory.js'

const EXAMPLE = fileURLToPath(new URL('../../../examples/precompress.js', import.meta.url))
const FILES = 60

test('killed half-way and run again, the main job restores what is left and its output is that of an undisturbed run', async (t) => {
  const source = await texts(t)
  const undisturbed = await temporaryDirectory(t)
  await ended(start(source, undisturbed))

  const folder = await temporaryDirectory(t)
  const target = join(folder, 'target')
  await mkdir(target)
  const half = untilHalf(target)
  const child = start(source, folder)
  await half
  child.kill('SIGKILL')
  assert.deepEqual(await once(child, 'close'), [null, 'SIGKILL'])

  const { code, stdout } = await ended(start(source, folder))
  assert.equal(code, 0)
  const [, waiting, done] =
    /Restored (\d+) jobs \(\d+ of them were running\); (\d+) were done before/.exec(stdout) ?? []
  assert.equal(Number(waiting) + Number(done), FILES)
  assert.ok(Number(waiting) > 0 && Number(done) > 0, stdout)
  assert.match(stdout, new RegExp(`^${FILES} files,`, 'm'))
  assert.deepEqual(await contents(target), await contents(join(undisturbed, 'target')))
})

test('what failed in the main job is tried again by the next run', async (t) => {
  const source = join(await temporaryDirectory(t), 'source')
  await mkdir(source)
  await writeFile(join(source, 'good.css'), 'a {}')
  await writeFile(join(source, 'bad.css'), 'b {}')
  const folder = await temporaryDirectory(t)
  const inTheWay = join(folder, 'target', source, 'bad.css.br')
  await mkdir(join(inTheWay, 'folder'), { recursive: true })
  const failed = await ended(start(source, folder))
  assert.equal(failed.code, 1)
  assert.match(failed.stdout, /^1 files, /m)
  await rm(inTheWay, { recursive: true })
  const { code, stdout } = await ended(start(source, folder))
  assert.equal(code, 0)
  assert.match(stdout, /^2 files, /m)
  assert.ok((await stat(inTheWay)).isFile())
})

/** A folder of texts that take a while to compress. */
async function texts(t: TestContext): Promise<string> {
  const folder = join(await temporaryDirectory(t), 'source')
  await mkdir(folder)
  const words = (await readFile(EXAMPLE, 'utf8')).split(/\W+/)
  for (let file = 0; file < FILES; file++) {
    const text = Array.from({ length: 8000 }, (_, at) => words[(at * (at + file)) % words.length])
    await writeFile(join(folder, `${file}.txt`), text.join(' '))
  }
  return folder
}

function start(source: string, cwd: string) {
  return spawn(process.execPath, [EXAMPLE, source, 'target'], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
}

async function ended(child: ReturnType<typeof start>): Promise<{ code: number; stdout: string }> {
  const closed = once(child, 'close')
  const stdout = await text(child.stdout)
  const [code] = (await closed) as [number]
  return { code, stdout }
}

/** Fulfilled when half of the files are there. */
async function untilHalf(folder: string): Promise<void> {
  const seen = new Set<string>()
  const watcher = watch(folder, { recursive: true }, (_event, name) => {
    if (name?.endsWith('.br')) seen.add(name)
    if (seen.size >= FILES / 2) watcher.close()
  })
  await once(watcher, 'close')
}

async function contents(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.br')).sort()
  assert.equal(names.length, FILES)
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name), 'base64')] as const),
    ),
  )
}
