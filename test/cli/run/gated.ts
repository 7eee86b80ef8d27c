/** A run that is killed half-way, for tests of what a later run makes of its directory. */
import type { TestContext } from 'node:test'
import { resultsIn, startCommand } from '../../support/command.js'

/** Notes in runs.txt what it runs. The inputs from 20 on wait until there is a file called open. */
export const GATED = `import { appendFileSync, existsSync } from 'node:fs'
  import { setTimeout } from 'node:timers/promises'
  export default async (input) => {
    appendFileSync('runs.txt', input + '\\n')
    while (input >= 20 && !existsSync('open')) await setTimeout(5)
    return input * 2
  }`
export const INPUTS = Array.from({ length: 40 }, (_, index) => index)

/** Kills a run of 40 inputs when 20 are done and two run. */
export async function killHalfWay(t: TestContext, folder: string, args: string[]): Promise<Set<unknown>> {
  const command = startCommand(t, folder, args)
  command.end(INPUTS.join('\n'))
  await command.shows('stdout', '"status":"completed"', 20)
  command.kill('SIGKILL')
  const { stdout } = await command.ended()
  return new Set(resultsIn(stdout).map(({ input }) => input))
}
