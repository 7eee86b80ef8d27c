import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

test('values arrive as they left where the codec has no native part too', () => {
  const files = ['values', 'objects', 'decode', '../errors/trip', '../store/level/format/record'].map(
    (name) => fileURLToPath(new URL(`./${name}.test.js`, import.meta.url)),
  )
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout } = spawnSync(process.execPath, ['--test', ...files], {
    env: { ...env, CBOR_NATIVE_ACCELERATION_DISABLED: 'true' },
    encoding: 'utf8',
  })
  assert.equal(status, 0, stdout)
})
