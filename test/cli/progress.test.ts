import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type Counts, Progress, type ProgressStream } from '../../src/cli/progress.js'
import { Command, commandLine, fixtureRun, STDIO } from '../support/command.js'
import { temporaryDirectory } from '../support/directory.js'

const HALF: Counts = { total: 40, isAllRead: true, done: 20, doneBefore: 15, failed: 3, running: 2 }

/** A stream that keeps what is written to it. */
function streamOf(isTTY: boolean): { stream: ProgressStream; written(): string } {
  const through = new PassThrough()
  return {
    stream: Object.assign(through, { isTTY, columns: 120 }),
    written: () => String(through.read() ?? ''),
  }
}

test('on a terminal a bar shows what is done, failed and running, the rate and the time left', () => {
  const { stream, written } = streamOf(true)
  new Progress(stream, false, () => HALF).stop()
  const text = stripVTControlCharacters(written())
  assert.match(
    text,
    /[^\w\s]{10,} 20 of 40 done \| 3 failed \| 2 running \| \d[\d.]*\/s \| [\dhmins ]+ left\n$/,
  )
})

test('the bar hides the cursor and gives it back, and stopping twice is stopping once', () => {
  const { stream, written } = streamOf(true)
  const progress = new Progress(stream, false, () => HALF)
  assert.ok(written().includes('\x1b[?25l'))
  progress.stop()
  assert.ok(written().includes('\x1b[?25h'))
  progress.stop()
  assert.equal(written(), '')
})

test('a line beside the bar starts at an empty line, wraps, and the bar goes on below it', () => {
  const { stream, written } = streamOf(true)
  const progress = new Progress(stream, false, () => HALF)
  written()
  progress.line('a message')
  assert.equal(written(), '\r\x1b[K\x1b[?7ha message\n\x1b[?7l\x1b7')
  progress.stop()
  written()
  progress.line('the bar is gone')
  assert.equal(written(), 'the bar is gone\n')
})

test('elsewhere it is a line of text, without terminal codes', () => {
  const { stream, written } = streamOf(false)
  new Progress(stream, false, () => HALF).stop()
  assert.match(written(), /^millrace: 20 of 40 done, 3 failed, 2 running, \d[\d.]*\/s, [\dhmins ]+ left\n$/)
})

test('while inputs are still being read, the total and the time left are not known', () => {
  const { stream, written } = streamOf(false)
  new Progress(stream, false, () => ({ ...HALF, isAllRead: false })).stop()
  assert.match(written(), / 20 of 40 or more done, .* \? left\n$/)
})

test('what finished before this run does not count for the rate', () => {
  const { stream, written } = streamOf(false)
  new Progress(stream, false, () => ({ ...HALF, doneBefore: 20 })).stop()
  assert.match(written(), /, 0\.0\/s, \? left\n$/)
})

test('a quiet one writes nothing but lines', () => {
  for (const isTTY of [true, false]) {
    const { stream, written } = streamOf(isTTY)
    const progress = new Progress(stream, true, () => HALF)
    progress.line('a message')
    progress.stop()
    assert.equal(written(), 'a message\n')
  }
})

// The script of util-linux gives the command a terminal; others take other arguments.
const hasScript = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '')

test('on a real terminal: the bar, results beside it, and Ctrl-C typed', { skip: !hasScript }, async (t) => {
  const folder = await temporaryDirectory(t)
  const command = (args: string[]) => {
    const line = commandLine(args)
      .map((arg) => `'${arg.replaceAll("'", "'\\''")}'`)
      .join(' ')
    const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: folder, stdio: [...STDIO] })
    const started = new Command(child as ChildProcessWithoutNullStreams)
    t.after(() => {
      started.kill('SIGKILL')
      return started.ended()
    })
    return started
  }
  const echo = command(fixtureRun('echo', 'x'))
  const { code, stdout } = await echo.ended()
  assert.equal(code, 0)
  assert.ok(stdout.includes('\r\x1b[K\x1b[?7h{"id":'), stdout)
  assert.ok(stdout.includes('"output":"x"}\r\n\x1b[?7l'), stdout)
  assert.match(stripVTControlCharacters(stdout), / 1 of 1 done \| 0 failed \| 0 running \| /)
  assert.ok(stdout.includes('\x1b[?25h'))
  const block = command(fixtureRun('block', 'x'))
  await block.shows('stdout', 'blocking')
  block.write('\x03')
  await block.shows('stdout', 'finishing what runs')
  block.write('\x03')
  assert.equal((await block.ended()).code, 130)
  const none = await command(fixtureRun('echo')).ended()
  assert.equal(none.code, 2)
  assert.match(none.stdout, /no inputs: give them as arguments, in --input-file or on standard input/)
})
