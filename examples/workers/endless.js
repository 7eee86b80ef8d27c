// Worker functions that never end by themselves.

/** Blocks its thread, and never looks up. */
export function stuck(/** @type {undefined} */ _input, /** @type {import('millrace').JobContext} */ job) {
  job.log('stuck')
  for (;;);
}

/** Blocks its thread too, but looks at its signal now and then: it can clean up before it ends. */
export function polite(/** @type {undefined} */ _input, /** @type {import('millrace').JobContext} */ job) {
  job.log('polite')
  try {
    for (;;) job.signal.throwIfAborted()
  } finally {
    job.log('cleaned up')
  }
}
