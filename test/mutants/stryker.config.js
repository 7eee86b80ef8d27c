/**
 * Small wrong changes, one at a time, and which of them no test notices.
 *
 *   npm ci --prefix test/mutants
 *   npm run mutants -- --mutate src/job/backoff.ts
 *   TESTS='scheduler/*,queue/clock' npm run mutants -- --mutate 'src/scheduler/wake-timer.ts:1-40'
 *
 * TESTS names the test files; without it, those in the folder of the same name as the source's. A file takes some minutes. Code
 * that runs in threads or child processes only is not seen as covered: give it COVERAGE=off, which runs each test for each change.
 */
const mutated = process.argv[process.argv.indexOf('--mutate') + 1] ?? ''
const folder = /^src\/(.*)\/[^/]+$/.exec(mutated)?.[1] ?? '**'
const tests = (process.env.TESTS ?? `${folder}/*`).split(',')

export default {
  testRunner: 'tap',
  plugins: ['@stryker-mutator/tap-runner'],
  coverageAnalysis: process.env.COVERAGE ?? 'perTest',
  tap: { testFiles: tests.map((part) => `dist/test/${part}.test.js`), forceBail: true },
  buildCommand: 'npm run build --silent',
  dryRunTimeoutMinutes: 20,
  concurrency: 2,
  // TypeScript 7 has no interface with which Stryker could rewrite the configuration.
  tsconfigFile: 'none',
  reporters: ['clear-text', 'progress-append-only'],
  ignorePatterns: ['bench/results', 'coverage', 'test/ecosystem', 'test/mutants'],
}
