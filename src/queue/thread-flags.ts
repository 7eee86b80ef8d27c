/**
 * The flags of Node.js that threads are started with.
 *
 * Threads inherit the flags of the process. Some belong to the main script alone and harm a thread: under `--inspect-brk` it waits for
 * a debugger of its own, and after `--eval` a child process that a job forks runs the main script again. These are left out.
 * Flags for the whole process, such as those of V8, hold in threads anyway, and Node.js refuses them there.
 */
import { Worker } from 'node:worker_threads'
import { OptionError } from '../errors/errors.js'
import { show } from '../errors/option-checks.js'

const MAIN_ONLY =
  /^(-e|-p|-pe|-c|-i|--(eval|print|check|interactive|input-type|run|entry-url|build-snapshot|prof-process|(test|watch|inspect-brk|inspect-wait|env-file)(-.+)?))$/

/** Node.js never takes this one for a thread. With it nothing is started by trying flags out. */
const REFUSED = '--title=millrace'

/**
 * The flags for threads; `undefined` if they can be inherited.
 *
 * @throws {OptionError} `given` is no list of flags that Node.js takes for threads.
 */
export function threadFlagsOf(given: unknown): string[] | undefined {
  const own = process.execArgv
  if (given === undefined) {
    const flags = withoutMainOnly(own)
    if (flags.length === own.length) return undefined
    const { left, strange } = sorted(flags)
    return strange === undefined ? left : undefined
  }
  if (!Array.isArray(given) || given.some((flag) => typeof flag !== 'string'))
    throw new OptionError(`execArgv must be a list of texts, got ${show(given)}`)
  const { left, strange } = sorted(withoutMainOnly(given))
  if (strange !== undefined)
    throw new OptionError(
      `execArgv: Node.js does not take ${strange} for threads. Give flags of V8 and of the whole process to the process itself`,
    )
  return left
}

/** An argument that is no flag is the value of the flag before it. */
function withoutMainOnly(flags: readonly string[]): string[] {
  let isLeftOut = false
  return flags.filter((flag) => {
    if (flag.startsWith('-')) isLeftOut = MAIN_ONLY.test(flag.replace(/=.*/s, '').replaceAll('_', '-'))
    return !isLeftOut
  })
}

/** The flags without those that Node.js refuses although the process has them; `strange` is one that it refuses and the process has not. */
function sorted(flags: readonly string[]): { left: string[]; strange: string | undefined } {
  let left = [...flags]
  for (;;) {
    const strange = refusedOf(left)
    const at = strange === undefined ? -1 : left.indexOf(strange)
    if (strange === undefined || at < 0 || !process.execArgv.includes(strange)) return { left, strange }
    const next = left.findIndex((flag, index) => index > at && flag.startsWith('-'))
    left = [...left.slice(0, at), ...(next < 0 ? [] : left.slice(next))]
  }
}

/** The first thing that Node.js refuses, in its words. */
function refusedOf(flags: readonly string[]): string | undefined {
  try {
    // A runtime that takes all flags has started it.
    void new Worker('', { eval: true, execArgv: [...flags, REFUSED] }).on('error', () => {}).terminate()
    return undefined
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ERR_WORKER_INVALID_EXEC_ARGV') return undefined
    const [, list = message] = /: (.*)$/s.exec(message) ?? []
    return list.split(', ').find((flag) => flag !== REFUSED)
  }
}
