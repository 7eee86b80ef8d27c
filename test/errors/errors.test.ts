import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as directoryErrors from '../../src/errors/directory-errors.js'
import * as otherErrors from '../../src/errors/errors.js'
import * as threadErrors from '../../src/errors/thread-errors.js'
import * as exported from '../../src/index.js'

const errors = { ...otherErrors, ...directoryErrors, ...threadErrors }

const cause = new Error('the cause')
const failure = {
  attempt: 1,
  at: 5,
  name: 'TypeError',
  message: 'broken',
  stack: 'TypeError: broken\n    at x',
}
const second = {
  attempt: 2,
  at: 6,
  name: 'RangeError',
  message: 'out of range',
  code: 'E_RANGE',
  cause: failure,
}

/** One of each: its code, and what its message says. */
const ALL: [otherErrors.MillraceError, string, RegExp][] = [
  [new errors.OptionError('attempts must be …'), 'MILLRACE_OPTION', /^attempts must be …$/],
  [
    new errors.UnknownTaskError('resize', ['thumbnail', 'digest']),
    'MILLRACE_UNKNOWN_TASK',
    /^unknown task "resize": the `workers` given to open\(\) are for "thumbnail", "digest"$/,
  ],
  [new errors.UnknownTaskError('resize', []), 'MILLRACE_UNKNOWN_TASK', /are for none$/],
  [new errors.WorkerModuleError('no module'), 'MILLRACE_WORKER_MODULE', /^no module$/],
  [
    new errors.ThreadStartError(Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })),
    'MILLRACE_THREAD_START',
    /^no thread could be started \(ERR_WORKER_INIT_FAILED: EAGAIN\): lower maxWorkers .* no job is charged$/,
  ],
  [
    new errors.ThreadStartError(Object.assign(new Error('x'), { code: 'ERR_ACCESS_DENIED' })),
    'MILLRACE_THREAD_START',
    /--allow-worker/,
  ],
  [new errors.ThreadStartError(undefined), 'MILLRACE_THREAD_START', /find out what ends threads/],
  [
    new errors.ThreadLostError(['resize 0a']),
    'MILLRACE_THREAD_LOST',
    /^a thread could not be ended and was left behind, it runs resize 0a: use asynchronous calls/,
  ],
  [new errors.ThreadLostError([]), 'MILLRACE_THREAD_LOST', /left behind: use/],
  [new errors.ThreadUncaughtError(cause), 'MILLRACE_THREAD_UNCAUGHT', /ran no job threw out of band/],
  [
    new errors.LockedError('/jobs', 12, cause),
    'MILLRACE_LOCKED',
    /^\/jobs is already open in another process \(process 12 was the last to open it\): close/,
  ],
  [new errors.LockedError('/jobs', undefined, cause), 'MILLRACE_LOCKED', /open in another process: close/],
  [new errors.LockedError('/jobs', process.pid, cause), 'MILLRACE_LOCKED', /open in this process: close/],
  [
    new errors.NotAQueueError('/jobs', 'holds photos'),
    'MILLRACE_NOT_A_QUEUE',
    /^\/jobs holds photos: give a dir/,
  ],
  [
    new errors.UnsafeDirectoryError('/jobs', 'belongs to user 5', 'Run it as user 5'),
    'MILLRACE_UNSAFE_DIRECTORY',
    /^\/jobs belongs to user 5\. Run it/,
  ],
  [
    new errors.FormatError('/jobs', 9, 1),
    'MILLRACE_FORMAT',
    /format 9, .* reads formats up to 1: open it with the ver.*`millrace export`/,
  ],
  [
    new errors.StoreError('writing', cause),
    'MILLRACE_STORE',
    /^writing failed, .*: the cause\. Close it, mend the disk, open it again$/,
  ],
  [
    new errors.StoreError('opening /jobs', new Error('EROFS: read-only file system'), false),
    'MILLRACE_STORE',
    /^opening \/jobs failed: EROFS: read-only file system\. Make its file system writable, .*, then try again$/,
  ],
  [
    new errors.BackupError('/copy', cause),
    'MILLRACE_BACKUP',
    /^no backup was made in \/copy: the cause\. Give a new or empty directory/,
  ],
  [
    new errors.BundledError('thread.js is missing', cause),
    'MILLRACE_BUNDLED',
    /^millrace cannot work here: thread\.js is missing\. If a bundler .* external /,
  ],
  [
    new errors.WaitTimeoutError('0a', 5),
    'MILLRACE_WAIT_TIMEOUT',
    /^job 0a has not finished within 5 ms, and goes on: call finished\(\) again/,
  ],
  [new errors.ValueError('input.a', 'is odd'), 'MILLRACE_VALUE', /^input\.a is odd$/],
  [
    new errors.TooLargeError('input', 9, 'maxJobBytes'),
    'MILLRACE_TOO_LARGE',
    /maxJobBytes \(9 bytes\): raise that/,
  ],
  [
    new errors.TooLargeError('output', 9),
    'MILLRACE_TOO_LARGE',
    /^output is larger than 9 bytes: put the data in/,
  ],
  [
    new errors.BacklogFullError({ jobs: 9, bytes: Number.POSITIVE_INFINITY }),
    'MILLRACE_BACKLOG_FULL',
    /^the backlog is full \(maxBacklog: 9 jobs\): enqueue again when/,
  ],
  [
    new errors.BacklogFullError({ jobs: 9, bytes: Number.POSITIVE_INFINITY }, { jobs: 10, bytes: 0 }),
    'MILLRACE_BACKLOG_FULL',
    /^10 jobs at once never fit .*maxBacklog: 9 jobs\): enqueue less at once, or raise/,
  ],
  [
    new errors.BacklogFullError({ jobs: 9, bytes: 50 }, { jobs: 2, bytes: 51 }),
    'MILLRACE_BACKLOG_FULL',
    /^51 bytes at once never fit .*maxBacklog: 9 jobs, maxBacklogBytes: 50 bytes\): enqueue less/,
  ],
  [
    new errors.DamagedError(cause),
    'MILLRACE_DAMAGED',
    /: the cause\. The directory is damaged: remove the job, or/,
  ],
  [
    new errors.CorruptError('/a', 'its file CURRENT is missing'),
    'MILLRACE_CORRUPT',
    /^\/a is damaged: its file CURRENT is missing\. Copy it away, then .* JobQueue\.repair\(\)/,
  ],
  [new errors.ClosedError(), 'MILLRACE_CLOSED', /closed: open it again with JobQueue\.open\(\)$/],
  [
    new errors.NoJobError('0a'),
    'MILLRACE_NO_JOB',
    /^no job 0a: it was removed, or .* `keep` option no longer/,
  ],
  [
    new errors.JobStateError('0a', 'running', 'cancel it first'),
    'MILLRACE_JOB_STATE',
    /^job 0a is running: cancel/,
  ],
  [
    new errors.JobFailedError('0a', 'resize', [failure]),
    'MILLRACE_JOB_FAILED',
    /^job 0a \(resize\) failed after 1 attempt: broken$/,
  ],
  [
    new errors.JobFailedError('0a', 'resize', [failure, second]),
    'MILLRACE_JOB_FAILED',
    /^job 0a \(resize\) failed after 2 attempts: out of range$/,
  ],
  [new errors.JobFailedError('0a', 'resize', []), 'MILLRACE_JOB_FAILED', /after 0 attempts: unknown reason$/],
  [
    new errors.JobCancelledError('0a', 'resize'),
    'MILLRACE_JOB_CANCELLED',
    /^job 0a \(resize\) was cancelled$/,
  ],
]

test('an error of the directory says what helps against what the system says', () => {
  const cures = {
    'IO error: /jobs/LOCK: Permission denied': 'let this process read and write the directory',
    "EPERM: operation not permitted, open '/jobs/OWNER'": 'let this process read and write the directory',
    'IO error: /jobs/000004.log: Read-only file system': 'make its file system writable',
    'ENOSPC: no space left on device, write': 'make room',
    'IO error: /jobs/000004.log: Disk quota exceeded': 'make room',
    'IO error: /jobs/000005.ldb: Too many open files': 'raise the limit of open files',
    'IO error: /jobs/000004.log: No such file or directory': 'put back what was deleted or moved',
    'IO error: /jobs/000004.log: Input/output error': 'mend the disk',
  }
  for (const [why, cure] of Object.entries(cures))
    assert.ok(new errors.StoreError('writing', new Error(why)).message.includes(`. Close it, ${cure}`), why)
})

test('every error has its code, its name, and a message that says what is wrong or what to do', () => {
  for (const [error, code, message] of ALL) {
    assert.ok(error instanceof errors.MillraceError)
    assert.ok(error instanceof Error)
    assert.equal(error.code, code)
    assert.equal(error.name, error.constructor.name)
    assert.match(error.message, message)
    assert.match(error.stack ?? '', new RegExp(`^${error.name}: `))
  }
})

test('every error class is tested above and exported, and no two share a code', () => {
  const classes = Object.entries(errors).filter(
    ([name, value]) => typeof value === 'function' && name.endsWith('Error') && /^[A-Z]/.test(name),
  )
  const tested = new Set([...ALL.map(([{ name }]) => name), 'MillraceError'])
  assert.deepEqual(classes.map(([name]) => name).sort(), [...tested].sort())
  for (const [name, type] of classes) assert.equal((exported as Record<string, unknown>)[name], type)
  assert.equal(new Set(ALL.map(([{ name, code }]) => `${name} ${code}`)).size, tested.size - 1)
  assert.equal(new Set(ALL.map(([{ code }]) => code)).size, tested.size - 1)
})

test('causes are kept', () => {
  for (const error of [
    new errors.OptionError('x', { cause }),
    new errors.WorkerModuleError('x', { cause }),
    new errors.LockedError('/jobs', 1, cause),
    new errors.NotAQueueError('/jobs', 'x', { cause }),
    new errors.StoreError('reading', cause),
    new errors.BackupError('/copy', cause),
    new errors.BundledError('x', cause),
    new errors.ValueError('input', 'x', { cause }),
    new errors.DamagedError(cause),
  ])
    assert.equal(error.cause, cause)
  assert.equal('cause' in new errors.LockedError('/jobs', 1, undefined), false)
  const { cause: last } = new errors.JobFailedError('0a', 'resize', [failure, second])
  assert.ok(last instanceof Error)
  assert.deepEqual([last.name, (last as { code?: string }).code], ['RangeError', 'E_RANGE'])
  assert.equal((last.cause as Error).stack, failure.stack)
})

test('each word by which the system refuses a thread has its cure', () => {
  for (const [words, cure] of [
    [['EAGAIN', 'ENOMEM', 'ERR_WORKER_INIT_FAILED'], /raise the limit of processes/],
    [['MODULE_NOT_FOUND', 'ENOENT', 'Cannot find'], /out of the bundle/],
  ] as const)
    for (const word of words) assert.match(new errors.ThreadStartError(new Error(word)).message, cure, word)
})
