/** A stranger's project: a directory of its own, in which millrace is installed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from './directory.js'
import type { Ended } from './script.js'

/** This repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

const MILLRACE = join(ROOT, 'dist', 'src', 'cli', 'main.js')
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

/** Makes the project, with these files in it. */
export async function project(
  t: TestContext,
  files: Iterable<readonly [path: string, text: string]>,
): Promise<string> {
  const directory = await temporaryDirectory(t)
  const modules = join(directory, 'node_modules')
  await mkdir(modules)
  await symlink(ROOT, join(modules, 'millrace'), 'junction')
  await symlink(join(ROOT, 'node_modules', 'tsx'), join(modules, 'tsx'), 'junction')
  await writeFile(join(directory, 'package.json'), '{ "type": "module", "private": true }\n')
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
  return directory
}

export function runNode(directory: string, ...args: string[]): Promise<Ended> {
  return run(directory, process.execPath, args)
}

/** Runs shell commands, in which `npx millrace` is this repository's. */
export function runShell(directory: string, commands: string): Promise<Ended> {
  const millrace = `"${process.execPath}" "${MILLRACE}"`
  return run(directory, 'sh', ['-e', '-c', commands.replaceAll('npx millrace', millrace)])
}

/** Checks the types of TypeScript files (globs, relative to the project) as strictly as this repository's own. */
export async function checkTypes(directory: string, include: readonly string[]): Promise<Ended> {
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: true,
      rootDir: '/',
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    },
    include,
  }
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config))
  return runNode(directory, TSC, '-p', 'tsconfig.json')
}

async function run(cwd: string, command: string, args: readonly string[]): Promise<Ended> {
  // A test runner inside would take itself for a part of this one.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const [[code, signal], stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, signal, stdout, stderr }
}
