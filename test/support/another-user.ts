/** Another user of the machine, whom only the superuser can become. */
import { chown, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Why a test cannot have another user; `false` if it can. */
export const NO_OTHER_USER = process.geteuid?.() === 0 ? false : 'only the superuser can become another user'

/** `nobody`. */
export const OTHER = 65_534

/** Gives a directory and what is in it to a user. */
export async function give(directory: string, user: number): Promise<void> {
  for (const name of ['.', ...(await readdir(directory))]) await chown(join(directory, name), user, user)
}
