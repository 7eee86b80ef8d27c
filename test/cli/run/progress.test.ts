import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type Counts, Progress, type ProgressStream } from '../../../src/cli/run/progress.js'
import { Command, commandLine, fixtureRun, STDIO } from '../../support/command.js'
import { temporaryDirectory } from '../../support/directory.js'

const HALF: Counts = { total: 40, isAllRead: true, done: 20, doneBefore: 15, failed: 3, running: 2 }

/** A clock that says that so many seconds have passed since it was first asked. */
function clock(seconds: number): () => number {
  let isFirst = true
  return () => {
    const now = isFirst ? 0 : seconds * 1000
    isFirst = false
    return now
  }
}

/** What a line says at last, after so many seconds. */
function lineAfter(seconds: number, counts: Counts): string {
  const { stream, written } = streamOf(false)
  const progress = new Progress(stream, false, () => counts, clock(seconds))
  progress.start()
  progress.stop()
  return written()
}

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
  const progress = new Progress(stream, false, () => HALF, clock(10))
  progress.start()
  progress.stop()
  const text = stripVTControlCharacters(written())
  assert.match(text, /[^\w\s]{10,} 20 of 40 done \| 3 failed \| 2 running \| 0\.5\/s \| \? left\n$/)
})

test('the bar hides the cursor and gives it back, and stopping twice is stopping once', () => {
  const { stream, written } = streamOf(true)
  const progress = new Progress(stream, false, () => HALF)
  progress.start()
  assert.ok(written().includes('\x1b[?25l'))
  progress.stop()
  assert.ok(written().includes('\x1b[?25h'))
  progress.stop()
  assert.equal(written(), '')
})

test('a line beside the bar starts at an empty line, wraps, and the bar goes on below it', () => {
  const { stream, written } = streamOf(true)
  const progress = new Progress(stream, false, () => HALF)
  progress.start()
  written()
  progress.line('a message')
  assert.equal(written(), '\r\x1b[K\x1b[?7ha message\n\x1b[?7l\x1b7')
  progress.stop()
  written()
  progress.line('the bar is gone')
  assert.equal(written(), 'the bar is gone\n')
})

test('elsewhere it is a line of text, without terminal codes', () => {
  assert.equal(
    lineAfter(10, { ...HALF, total: 240, done: 120, doneBefore: 20 }),
    'millrace: 120 of 240 done, 3 failed, 2 running, 10/s, 12 s left\n',
  )
})

test('while inputs are still being read, the total and the time left are not known', () => {
  const text = lineAfter(10, { ...HALF, total: 240, done: 120, isAllRead: false })
  assert.match(text, / 120 of 240 or more done, .* \? left\n$/)
})

test('what finished before this run does not count for the rate', () => {
  assert.match(lineAfter(10, { ...HALF, doneBefore: 20 }), /, 0\.0\/s, \? left\n$/)
})

test('a time left is shown when enough results, over enough time, tell of it', () => {
  const counts = (doneNow: number): Counts => ({ ...HALF, total: 1000, done: 5 + doneNow, doneBefore: 5 })
  assert.match(lineAfter(10, counts(19)), /, \? left\n$/)
  assert.match(lineAfter(4.9, counts(500)), /, \? left\n$/)
  assert.match(lineAfter(10, counts(20)), /, 8 min 8 s left\n$/)
  assert.match(lineAfter(5, counts(500)), /, 5 s left\n$/)
  assert.match(lineAfter(7200, counts(20)), /, 97 h 30 min left\n$/)
})

test('when all is done nothing is left, however soon', () => {
  assert.match(lineAfter(0, { ...HALF, total: 20 }), /, 0\.0\/s, 0 s left\n$/)
})

test('a line shows control characters as text', () => {
  const { stream, written } = streamOf(false)
  new Progress(stream, false, () => HALF).line('a\x1b[2Jb\r\x9bc\u202ed\n\te')
  assert.equal(written(), 'a\\u001b[2Jb\\u000d\\u009bc\\u202ed\n\te\n')
})

test('a quiet one writes nothing but lines', () => {
  for (const isTTY of [true, false]) {
    const { stream, written } = streamOf(isTTY)
    const progress = new Progress(stream, true, () => HALF)
    progress.start()
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
