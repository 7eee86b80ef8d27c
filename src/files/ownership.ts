/**
 * Whose directory is it?
 *
 * Who can write a directory of jobs can choose which jobs run, and through links which files are read and overwritten, with the
 * rights of the process that opens it. So a directory must belong to the user who runs this process, and no other user may
 * write it: PostgreSQL and git ask the same. The superuser may read and write what belongs to others, so for it this matters most.
 *
 * Inside such a directory nobody else can put anything. What was there before may have come from elsewhere, in an archive for
 * example: links, pipes and devices are refused.
 *
 * Windows has no such owners and modes. There only the kinds of files are looked at.
 */
import type { Stats } from 'node:fs'
import { lchown, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UnsafeDirectoryError } from '../errors/directory-errors.js'

export interface TrustOptions {
  /**
   * Takes a directory that belongs to another user, or that other users may write. Any of these users can then choose what this
   * process runs, reads and overwrites. Default false.
   */
  trustDirectory?: boolean
}

const WRITABLE_BY_OTHERS = 0o022
/** Anything at all, for those who are neither the owner nor in the group. */
const OPEN_TO_ALL = 0o007

/**
 * Returns what the system says of the directory. A link to a directory stands for the directory.
 *
 * @throws {UnsafeDirectoryError} it is another user's, other users may write it, or it has something else than files and directories.
 */
export async function assertSafe(
  directory: string,
  { trustDirectory = false }: TrustOptions = {},
): Promise<Stats> {
  const stats = await stat(directory)
  const trouble = trustDirectory ? undefined : troubleOf(stats)
  if (trouble) throw new UnsafeDirectoryError(directory, trouble.what, trouble.cure)
  for (const entry of await readdir(directory, { withFileTypes: true }))
    if (!entry.isFile() && !entry.isDirectory())
      throw new UnsafeDirectoryError(
        directory,
        `holds ${JSON.stringify(entry.name)}, which is no regular file`,
        'Remove it if you know why it is there; otherwise use another directory',
      )
  return stats
}

/** Gives what is in a directory to the owner of another one, if that is somebody else. A link itself is given, not what it names. */
export async function giveContents(directory: string, { uid, gid }: Stats): Promise<void> {
  if (!hasOwners() || uid === process.geteuid?.()) return
  for (const name of await readdir(directory)) await lchown(join(directory, name), uid, gid)
}

/** Whether users beside the owner and its group may read the directory. */
export function isOpenToAll({ mode }: Stats): boolean {
  return hasOwners() && (mode & OPEN_TO_ALL) !== 0
}

function troubleOf({ uid, mode }: Stats): { what: string; cure: string } | undefined {
  if (!hasOwners()) return undefined
  const user = process.geteuid?.()
  const otherwise =
    'or set trustDirectory (--trust-directory) if all who can write it may run code as this process'
  if (uid !== user)
    return {
      what: `belongs to user ${uid}, and this process is run by user ${user}`,
      cure: `Run it as user ${uid}, or give a directory of its own (in a volume: a subdirectory), ${otherwise}`,
    }
  if ((mode & WRITABLE_BY_OTHERS) !== 0)
    return {
      what: `may be written by other users (its mode is ${(mode & 0o7777).toString(8)})`,
      cure: `Run \`chmod go-w\` on it, ${otherwise}`,
    }
  return undefined
}

function hasOwners(): boolean {
  return process.geteuid !== undefined
}
