/** Small file systems, where they can be mounted. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export const NO_MOUNT = mountTrouble()

/** Why no small file system can be mounted here; `false` if one can. */
function mountTrouble(): string | false {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt'], {
      stdio: 'ignore',
    })
    return false
  } catch {
    return 'mounting a small file system is not permitted here'
  }
}

/** An empty file system of a few megabytes, gone when the test ends. */
export async function smallDisk(t: TestContext, megabytes: number): Promise<string> {
  const disk = await mkdtemp(join(tmpdir(), 'millrace-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk])
  t.after(async () => {
    execFileSync('umount', ['-l', disk])
    await rmdir(disk)
  })
  return disk
}

/** Changes the options of a mounted file system: `size=64m`, `ro`, `rw`. */
export function remount(disk: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, disk])
}
