// Worker functions that never end by themselves.

/** Blocks its thread, and never looks up. */
export function stuck(/** @type {undefined} */ _input, /** @type {import('millrace').JobContext} */ job) {
  job.log('stuck')
  for (;;);
}

/** Blocks its thread too, but looks at its signal from the start: it is asked to end, and can clean up first. */
export function polite(/** @type {undefined} */ _input, /** @type {import('millrace').JobContext} */ job) {
  job.signal.throwIfAborted()
  job.log('polite')
  try {
    for (;;) job.signal.throwIfAborted()
  } finally {
    job.log('cleaned up')
  }
}
