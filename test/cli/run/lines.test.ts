import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf } from '../../../src/cli/run/lines.js'

async function* streamOf(pieces: readonly string[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece)
}

/** The lines of a stream that arrives in these pieces: number and text. */
async function linesIn(...pieces: string[]): Promise<[number, string][]> {
  const lines: [number, string][] = []
  for await (const some of linesOf(streamOf(pieces), 100))
    for (const { number, bytes } of some) lines.push([number, String(bytes)])
  return lines
}

test('a CR that ends one piece belongs to the LF that begins the next', async () => {
  assert.deepEqual(await linesIn('one\r', '\ntwo\r\n'), [
    [1, 'one'],
    [2, 'two'],
  ])
})

test('a CR anywhere else is part of the line', async () => {
  assert.deepEqual(await linesIn('a\rb', '\r\r\nc\r'), [
    [1, 'a\rb\r'],
    [2, 'c\r'],
  ])
})

test('lines are the same wherever the pieces of the stream end', async () => {
  const text = 'one\r\n\n\r\nthree\nfour\r\n\nlast'
  const whole = await linesIn(text)
  assert.deepEqual(whole, [
    [1, 'one'],
    [2, ''],
    [3, ''],
    [4, 'three'],
    [5, 'four'],
    [6, ''],
    [7, 'last'],
  ])
  assert.deepEqual(await linesIn(...text), whole)
  for (let at = 1; at < text.length; at++)
    assert.deepEqual(await linesIn(text.slice(0, at), text.slice(at)), whole, `cut at ${at}`)
})

test('a stream without a last line end has its last line, one with it has no empty line more', async () => {
  assert.deepEqual(await linesIn('a'), [[1, 'a']])
  assert.deepEqual(await linesIn('a\n'), [[1, 'a']])
  assert.deepEqual(await linesIn(), [])
})

test('a line that is too long has no bytes, wherever its pieces end, and is not kept', async () => {
  const pieces = [
    'ab',
    'c'.repeat(99),
    '\n',
    'd'.repeat(100),
    '\ne\n',
    `${'f'.repeat(101)}\ng\n`,
    'h'.repeat(101),
  ]
  const lines: (string | undefined)[] = []
  for await (const some of linesOf(streamOf(pieces), 100))
    for (const { bytes } of some) lines.push(bytes && String(bytes))
  assert.deepEqual(lines, [undefined, 'd'.repeat(100), 'e', undefined, 'g', undefined])
})
