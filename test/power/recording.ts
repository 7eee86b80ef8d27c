/**
 * What a process did to a directory, in order: each file operation, as `recorder.c` saw it, and each promise that the queue
 * gave to its application, as the process itself said.
 */
import { execFile } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { copyFile, mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const RECORDER = fileURLToPath(new URL('../../../test/power/recorder.c', import.meta.url))

export type Event =
  | {
      readonly what: 'create' | 'flush' | 'sync'
      readonly file: number
      readonly name: string
      length: number
    }
  | { readonly what: 'rename'; readonly from: string; readonly to: string }
  | { readonly what: 'unlink' | 'mkdir' | 'syncdir'; readonly name: string }
  | { readonly what: 'said'; readonly text: string }

export interface Recording {
  readonly events: readonly Event[]
  /** The first bytes of a file, by its number. */
  bytes(file: number, length: number): Promise<Buffer>
  /** Where all of a file's bytes are. */
  path(file: number): string
}

/** Why nothing can be recorded here; `undefined` if it can. */
export async function whyNot(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'recording needs Linux'
  const compiled = await run('cc', ['--version']).catch(() => undefined)
  if (!compiled) return 'recording needs a C compiler (cc)'
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined ? 'recording needs glibc' : undefined
}

/** Runs a script, with `<home>/root` as its first argument, and records what it does below that. */
export async function record(home: string, script: URL, args: readonly string[]): Promise<Recording> {
  const [root, to, library] = ['root', 'recorded', 'recorder.so'].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ]
  await Promise.all([mkdir(root), mkdir(to)])
  await run('cc', ['-shared', '-fPIC', '-O1', '-o', library, RECORDER, '-ldl'])
  await run(process.execPath, [fileURLToPath(script), root, ...args], {
    env: { ...process.env, LD_PRELOAD: library, MILLRACE_RECORD_ROOT: root, MILLRACE_RECORD_TO: to },
  })
  const events = parse(await readFile(join(to, 'trace'), 'utf8'))
  const path = (file: number) => join(to, String(file))
  return { events, path, bytes: (file, length) => firstBytes(path(file), length) }
}

/** Said by the recorded process: it stands in the recording after all that was done before. */
export function say(text: string): void {
  const to = process.env.MILLRACE_RECORD_TO
  if (to !== undefined) appendFileSync(join(to, 'trace'), `said ${text}\n`)
}

/** Makes a copy of a recorded file with only its first bytes. */
export async function copyFirst(
  recording: Recording,
  file: number,
  length: number,
  to: string,
): Promise<void> {
  await copyFile(recording.path(file), to)
  const handle = await open(to, 'r+')
  await handle.truncate(length)
  await handle.close()
}

function parse(trace: string): Event[] {
  const names: string[] = []
  return trace.split('\n').flatMap((line): Event[] => {
    const [what = '', first = '', second = ''] = line.split(' ')
    switch (what) {
      case 'create':
        names[Number(first)] = second
        return [{ what, file: Number(first), name: second, length: 0 }]
      case 'flush':
      case 'sync': {
        const file = Number(first)
        return [{ what, file, name: names[file] ?? '', length: Number(second) }]
      }
      case 'rename':
        return [{ what, from: first, to: second }]
      case 'unlink':
      case 'mkdir':
      case 'syncdir':
        return [{ what, name: first }]
      case 'said':
        return [{ what, text: line.slice('said '.length) }]
      default:
        return []
    }
  })
}

async function firstBytes(path: string, length: number): Promise<Buffer> {
  const handle = await open(path)
  try {
    const bytes = Buffer.alloc(length)
    await handle.read(bytes, 0, length, 0)
    return bytes
  } finally {
    await handle.close()
  }
}
