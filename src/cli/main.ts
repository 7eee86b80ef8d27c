/** The `millrace` command. Exit codes: 0 all completed, 1 some failed, 2 it cannot work, 130 interrupted. */
import { createRequire } from 'node:module'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { MillraceError } from '../errors/errors.js'
import { durationMs } from '../job/duration.js'
import { exportJobs } from './export.js'
import { importLines } from './import.js'
import { printable, say } from './printable.js'
import { repair } from './repair.js'
import { type RunOptions, run } from './run/run.js'
import { UsageError } from './usage-error.js'

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string }

const trust = () =>
  new Option('--trust-directory', 'take a directory that other users own or may write (see SECURITY.md)')

const program = new Command('millrace')
  .description('A durable job queue that feeds a pool of worker threads.')
  .version(version)
  .configureOutput({ outputError: (text, write) => write(printable(text)) })
  .exitOverride()

program
  .command('run')
  .description(
    'Run one job per input through a worker module. The same command goes on where a killed one stopped.',
  )
  .argument(
    '<worker module>',
    'what exports a function (input, job) => output: a name such as millrace/workers/brotli, or a file such as ./worker.js',
  )
  .argument('[inputs...]', 'the inputs; without any, the lines of --input-file or of standard input')
  .option('--input-file <file>', 'take the inputs from a file, one a line')
  .option('--json', 'parse each input as JSON (else it is a string)')
  .option('--dir <directory>', 'where jobs are kept', '.millrace')
  .option('--export <name>', 'which export of the module to run', 'default')
  .addOption(integer('--max-workers <n>', 'how many threads run jobs (default: one a core)', 1, 1024))
  .addOption(integer('--attempts <n>', 'how often a job is tried (default: 3)', 1, 1000))
  .addOption(
    duration('--timeout <duration>', 'longest run of one attempt: ms, or 5s, 10m, 2h (default: none)'),
  )
  .addOption(integer('--priority <n>', 'lower runs first (default: 0)', -32_768, 32_767))
  .option('--retry-failed', 'try inputs again that failed for good in an earlier run')
  .option('--fresh', 'run all inputs anew, whatever earlier runs made of them')
  .option('--unfinished', 'also run jobs that earlier runs left, whose inputs are not given again')
  .addOption(
    integer('--buffer <n>', 'how many inputs are read ahead of their results', 1, 1e7).default(100_000),
  )
  .addOption(trust())
  .option('--quiet', 'show no progress')
  .addHelpText(
    'after',
    `
Results go to standard output, one JSON object a line for each input, as they come: {"id","status","input","output"}, or
"attempts" and "error": {"name","message","code","stack"} in place of "output". A line of input that cannot be run has no id and no
input, but its "line". What JSON does not know is written so: undefined, NaN and Infinity as null, Dates as ISO strings, bigints as
strings, bytes as base64, other typed arrays and Sets as lists, Maps as lists of [key, value], Errors as {"name","message"}, RegExps
as text. An output too large for a line has an "error" in its place, and counts as failed. What workers print goes to standard error.

Inputs that begin with a dash go behind --, or into standard input, where other users of the machine do not see them, as they see
arguments: millrace run ./worker.js -- --input. A JSON number that a double cannot hold is refused.

Equal inputs are one job. An input that finished in an earlier run is not run again, but its result is written again, so that
the output is always whole; --fresh runs it anew. Blank lines are skipped. Jobs that an earlier run left run when their inputs
are given again, or with --unfinished.

Ctrl-C finishes what runs and keeps the rest, a second one stops at once; the same command then goes on.
Exit codes: 0 all completed, 1 some failed, 2 bad usage, no directory to work in or\nresults that cannot be written, 130 interrupted.`,
  )
  .action(async (module: string, inputs: string[], options: RunOptions) => {
    process.exitCode = await run(module, inputs, options)
  })

program
  .command('repair')
  .description('Save what can be saved of a damaged directory of jobs. Copy it away before.')
  .argument('<directory>', 'where the jobs are')
  .addOption(trust())
  .addHelpText(
    'after',
    `
Damaged files are kept in the subdirectory lost. Writes {"jobs","dropped","files"} to standard output: how many jobs there are
now by state, how many entries could not be read, which files had damage.

Exit codes: 0 repaired, 2 no queue, in use, or not to be repaired.`,
  )
  .action(repair)

program
  .command('export')
  .description('Write every job of a directory that nobody has open to standard output, a line of JSON each.')
  .argument('<directory>', 'where the jobs are')
  .addOption(trust())
  .action(exportJobs)

program
  .command('import')
  .description('Make a new directory from what export has written. If it is interrupted, do it again.')
  .argument('<directory>', 'a new or empty directory')
  .option('--input-file <file>', 'where the lines are (default: standard input)')
  .addOption(trust())
  .action(importLines)

// That nobody reads what is said is no reason to stop: the results are what counts.
process.stderr.on('error', () => {})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

function exitCodeOf(error: unknown): number {
  // Commander has said itself what was wrong; asking for help or the version was not.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (!(error instanceof UsageError || error instanceof MillraceError)) throw error
  say(error.message)
  return 2
}

/** A number of ms, or what durations are in programs: the queue itself takes them so. */
function duration(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const given = /^\d+(\.\d+)?$/.test(text) ? Number(text) : text
    try {
      return durationMs('It', given)
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message)
    }
  })
}

function integer(flags: string, description: string, min: number, max: number): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`It must be an integer from ${min} to ${max}.`)
    return value
  })
}
