/** Every script in examples/ is run, in an empty directory, and prints what it is there to show. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/directory.js'
import { checkTypes, project, ROOT, runNode } from '../support/project.js'

const EXAMPLES = join(ROOT, 'examples')
/** The main job, which has a test of its own. */
const ELSEWHERE = ['precompress.js']

/** What each prints: text, or a pattern where it may differ from run to run. */
const PRINTED: Record<string, string | RegExp> = {
  'cancel-and-timeout.js': `job … (stuck) was cancelled
job … (stuck) failed after 1 attempt: the job ran longer than its timeout of 100 ms
cleaned up
job … (polite) was cancelled
the next job runs: 168 primes
`,
  'checkpoint.js': `the first process ended by SIGKILL
the second attempt began in the middle: true
primes below 3000000: 216816
`,
  'graceful-shutdown.js': /^asked to stop\n(completed: 50000000 rows\n)+$/,
  'http-server.js': /^report: 1270607 primes\npings answered while it was computed: [1-9]\d*\n$/,
  'idempotency-keys.js': 'the same job: true\nits output: 25\na new job: true\n',
  'live-resizing.js': `one worker: true
three workers: true
held: 0 running, some waiting: true
failed: 0, waiting: 0
`,
  'map-inputs.js': '9592 primes below 100,000\n100 outcomes, never more than 10 jobs at once: true\n',
  'priorities-and-delays.js': `urgent
normal, first
normal, second
when there is time
in 0.3 seconds
`,
  'progress-and-log.js': `import: importing 2000000 rows
import: done
newest progress: { row: 2000000, of: 2000000 }
sum: 1885618790
`,
  'resume-after-kill.js': `the first process ended by SIGKILL
found again: 40 of 40 jobs
some were done: true, some were not: true
completed in the end: 40
`,
  'retries.js': `attempt 1 failed: the server is busy
attempt 2 failed: the server is busy
delivered to ada@example.org
failed for good after 1 attempt: nowhere is no address
`,
  'typescript.ts': 'the: 3\n',
  'worker-factory.js': 'MILLRACE\necarllim\n',
}

for (const [name, printed] of Object.entries(PRINTED))
  test(`examples/${name} runs, and prints what it shows`, async (t) => {
    const loader = name.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []
    const { code, signal, stdout, stderr } = await runNode(
      await temporaryDirectory(t),
      ...loader,
      join(EXAMPLES, name),
    )
    if (typeof printed === 'string') assert.equal(stdout, printed, stderr)
    else assert.match(stdout, printed, stderr)
    assert.equal(stderr, '')
    const isEndedBySignal = name === 'graceful-shutdown.js'
    assert.deepEqual(
      { code, signal },
      isEndedBySignal ? { code: null, signal: 'SIGTERM' } : { code: 0, signal: null },
    )
  })

test('no example is left out', () => {
  const scripts = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isFile())
  assert.deepEqual(scripts.map(({ name }) => name).sort(), [...Object.keys(PRINTED), ...ELSEWHERE].sort())
})

test('the TypeScript example is well typed', async (t) => {
  const { code, stdout } = await checkTypes(await project(t, []), [`${EXAMPLES}/**/*.ts`])
  assert.equal(code, 0, stdout)
})
