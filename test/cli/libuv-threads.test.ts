/** How many of libuv's threads the command has: LevelDB writes in them, whatever jobs do in them. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { folderWith } from '../support/command.js'

const COMMAND = fileURLToPath(new URL('../../src/cli/millrace.cjs', import.meta.url))

/** Opens a pipe for reading, eight times at once: that keeps a thread each until somebody writes. Says whether another is free. */
const WORKER = `
  import { closeSync, openSync } from 'node:fs'
  import { open, stat } from 'node:fs/promises'
  export default async (pipe) => {
    const opening = Array.from({ length: 8 }, () => open(pipe))
    let timer
    const isBusy = new Promise((resolve) => { timer = setTimeout(resolve, 5000, 'busy') })
    const result = await Promise.race([isBusy, stat('.').then(() => 'free')])
    clearTimeout(timer)
    const writer = openSync(pipe, 'w')
    for (const reader of await Promise.all(opening)) await reader.close()
    closeSync(writer)
    return result
  }`

async function outputOf(t: TestContext, env: NodeJS.ProcessEnv): Promise<unknown> {
  const folder = await folderWith(t, 'worker.mjs', WORKER)
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const child = spawn(process.execPath, [COMMAND, 'run', '--quiet', './worker.mjs', pipe], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [stdout] = await Promise.all([text(child.stdout), once(child, 'close')])
  return JSON.parse(stdout).output
}

test('jobs that keep many of libuv threads busy leave some free', async (t) => {
  assert.equal(await outputOf(t, { UV_THREADPOOL_SIZE: undefined }), 'free')
})

test('whoever says how many of libuv threads there are has so many', { timeout: 60_000 }, async (t) => {
  assert.equal(await outputOf(t, { UV_THREADPOOL_SIZE: '4' }), 'busy')
})
