/**
 * Whether millrace works where people use it: other runtimes, test runners, TypeScript's CommonJS modes, bundlers. Each folder beside
 * this file is a project. It is built and run with the package as npm would install it. `npm run test:ecosystem`, or
 * `npm run test:ecosystem -- webpack next` for some. Linux on x64 only, as the runtimes that it installs.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PROJECTS = join(ROOT, 'test', 'ecosystem')
const MODULES = join(PROJECTS, 'node_modules')
/** Projects are copied here: what they build does not belong into the source. */
const WORK = join(PROJECTS, '.work')

const BUN = join(MODULES, '@oven', 'bun-linux-x64', 'bin', 'bun')
const DENO = join(MODULES, '@deno', 'linux-x64-glibc', 'deno')
const TSC = [process.execPath, join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')]

type Command = readonly string[]

interface Project {
  readonly folder: string
  readonly env?: Record<string, string>
  readonly commands: readonly Command[]
  /** What the last command prints, or has in what it prints. */
  readonly prints: string | RegExp
  /** The last command fails, and says why. */
  readonly fails?: true
  /** Texts that are replaced in files while the server runs, as somebody who develops does, and what it answers then. */
  readonly changes?: {
    readonly texts: readonly [file: string, from: string, to: string][]
    readonly prints: string
  }
}

/** A program of one of the installed packages. */
const bin = (name: string, ...args: string[]): Command => [
  process.execPath,
  join(MODULES, '.bin', name),
  ...args,
]
const node = (...args: string[]): Command => [process.execPath, ...args]

const PORTABLE = `true Grüße aus Köln № 98
log,progress
MILLRACE_JOB_FAILED
MILLRACE_TIMEOUT
MILLRACE_JOB_CANCELLED
1 100 2
`
const ESBUILD = ['main.js', 'workers/area.js', '--bundle', '--platform=node', '--format=esm', '--outdir=out']
/** What esbuild's output lacks when it bundles packages that use `require`. */
const BANNER =
  `--banner:js=import { createRequire as c } from 'node:module'; import { fileURLToPath as f } from 'node:url'; ` +
  `const require = c(import.meta.url), __filename = f(import.meta.url), __dirname = f(new URL('.', import.meta.url));`

const RUNS: Record<string, Project> = {
  node: { folder: 'runtimes', commands: [node('main.js')], prints: PORTABLE },
  bun: { folder: 'runtimes', commands: [[BUN, 'main.js']], prints: PORTABLE },
  deno: { folder: 'runtimes', commands: [[DENO, 'run', '--allow-all', 'main.js']], prints: PORTABLE },
  'jest, default mode': {
    folder: 'jest',
    commands: [bin('jest', '--config', 'jest.config.json', 'default-mode')],
    prints: /1 passed, 1 total/,
  },
  'jest, ES modules': {
    folder: 'jest',
    env: { NODE_OPTIONS: '--experimental-vm-modules' },
    commands: [bin('jest', '--config', 'jest.config.json', 'modules')],
    prints: /1 passed, 1 total/,
  },
  vitest: { folder: 'vitest', commands: [bin('vitest', 'run')], prints: /1 passed/ },
  'typescript, commonjs': {
    folder: 'typescript-commonjs',
    commands: [[...TSC, '-p', '.'], node('out/main.js')],
    prints: '42\n',
  },
  'typescript, node16': {
    folder: 'typescript-node16',
    commands: [[...TSC, '-p', '.'], node('out/main.js')],
    prints: '42\n',
  },
  esbuild: {
    folder: 'esbuild',
    commands: [bin('esbuild', ...ESBUILD, '--packages=external'), node('out/main.js')],
    prints: '42\n',
  },
  'esbuild, millrace bundled': {
    folder: 'esbuild',
    commands: [bin('esbuild', ...ESBUILD, BANNER), node('out/main.js')],
    prints: /MILLRACE_BUNDLED/,
    fails: true,
  },
  rollup: { folder: 'rollup', commands: [bin('rollup', '-c'), node('out/main.js')], prints: '42\n' },
  webpack: { folder: 'webpack', commands: [bin('webpack'), node('out/main.js')], prints: '42\n' },
  vite: { folder: 'vite', commands: [bin('vite', 'build'), node('out/main.js')], prints: '42\n' },
  next: {
    folder: 'next',
    env: { NEXT_TELEMETRY_DISABLED: '1' },
    commands: [bin('next', 'build'), bin('next', 'start', '-p', '{port}')],
    prints: '42',
  },
  'next, development server': {
    folder: 'next',
    env: { NEXT_TELEMETRY_DISABLED: '1' },
    commands: [bin('next', 'dev', '-p', '{port}')],
    prints: '42',
    changes: {
      texts: [
        ['queue.js', 'export function', 'export const isChanged = true\nexport function'],
        ['app/area/route.js', 'height: 7', 'height: 8'],
      ],
      prints: '48',
    },
  },
}

const wanted = process.argv.slice(2)
const names = Object.keys(RUNS).filter(
  (name) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
)
install()
const failed: string[] = []
for (const name of names) {
  const began = Date.now()
  const fault = await faultOf(RUNS[name] as Project)
  console.log(
    `${fault === undefined ? 'passed' : 'FAILED'}  ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`,
  )
  if (fault === undefined) continue
  failed.push(name)
  console.log(fault.replace(/^/gm, '    '))
}
rmSync(WORK, { recursive: true, force: true })
console.log(`${names.length - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length > 0 || names.length === 0 ? 1 : 0

/** Installs the tools, and millrace as it would be published; what it depends on is found further up. */
function install(): void {
  if (!existsSync(MODULES)) must(PROJECTS, 'npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund')
  rmSync(WORK, { recursive: true, force: true })
  mkdirSync(WORK)
  must(ROOT, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', WORK)
  const target = join(MODULES, 'millrace')
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target)
  const [archive = ''] = readdirSync(WORK)
  must(target, 'tar', 'xzf', join(WORK, archive), '--strip-components', '1')
}

function must(cwd: string, command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
}

async function faultOf({
  folder,
  env,
  commands,
  prints,
  fails,
  changes,
}: Project): Promise<string | undefined> {
  const cwd = join(WORK, folder)
  rmSync(cwd, { recursive: true, force: true })
  cpSync(join(PROJECTS, folder), cwd, { recursive: true })
  const options = { cwd, env: { ...process.env, ...env }, encoding: 'utf8' as const, timeout: 180_000 }
  for (const [index, [program = '', ...args]] of commands.entries()) {
    const isLast = index === commands.length - 1
    if (args.includes('{port}')) return await faultOfServer(program, args, options, prints, changes)
    const { status, stdout, stderr } = spawnSync(program, args, options)
    if ((status !== 0) !== (isLast && fails === true))
      return `exit code ${status}\n${stdout}${stderr}`.slice(-4000)
    if (isLast && !isPrinted(prints, typeof prints === 'string' ? stdout : stdout + stderr))
      return `printed:\n${stdout}${stderr}`.slice(-4000)
  }
  return undefined
}

function isPrinted(prints: string | RegExp, printed: string): boolean {
  return typeof prints === 'string' ? printed === prints : prints.test(printed)
}

/** Starts the server, asks it for `/area`, changes files while it runs, asks again, and ends it. */
async function faultOfServer(
  program: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
  prints: string | RegExp,
  changes: Project['changes'],
): Promise<string | undefined> {
  const port = await freePort()
  const server = spawn(
    program,
    args.map((arg) => arg.replace('{port}', String(port))),
    { cwd, env },
  )
  const ended = once(server, 'close')
  let said = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (said += chunk))
  /** Asks until the answer is the expected one, or one that is none. */
  const faultOfAnswer = async (expected: string | RegExp, outdated?: string | RegExp) => {
    let last = 'no answer'
    for (let tries = 0; tries < 200 && server.exitCode === null; tries++) {
      const answer = await fetch(`http://127.0.0.1:${port}/area`).catch(() => undefined)
      const text = await answer?.text()
      if (answer?.ok && isPrinted(expected, text ?? '')) return undefined
      if (answer) last = `answered ${answer.status}: ${text}`
      if (answer && !(outdated && isPrinted(outdated, text ?? ''))) break
      await setTimeout(200)
    }
    return `${last}\n${said}`.slice(0, 4000)
  }
  try {
    const fault = await faultOfAnswer(prints)
    if (fault !== undefined || !changes) return fault
    for (const [file, from, to] of changes.texts) {
      const path = join(cwd, file)
      writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
    }
    return await faultOfAnswer(changes.prints, prints)
  } finally {
    server.kill()
    await ended
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}
