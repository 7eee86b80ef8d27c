/** Makes files. What is written is there whole or not at all, and nothing that was there before is written through a link. */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, fsyncSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'

/** What only the owner may read. */
export const PRIVATE_FILE = 0o600

const { O_WRONLY, O_CREAT, O_EXCL } = constants
const NEW = O_WRONLY | O_CREAT | O_EXCL

export interface NewFileOptions {
  /** Its permissions, less those that the umask takes away. Default: only the owner may read and write it. */
  readonly mode?: number
  /** Whether it must be on disk before it gets its name. Default true. */
  readonly durable?: boolean
}

/** Makes a file where there is none: fails with EEXIST if there is anything, be it a link that leads nowhere. */
export async function createFile(
  path: string,
  content: string | Uint8Array,
  { mode = PRIVATE_FILE, durable = true }: NewFileOptions = {},
): Promise<void> {
  const file = await open(path, NEW, mode)
  try {
    await fill(file, content, durable)
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}

/** Writes a file beside its place, under a name that nobody can guess, and puts it there, in place of what was there. */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  options: NewFileOptions = {},
): Promise<void> {
  const unfinished = unfinishedName(path)
  await createFile(unfinished, content, options)
  await rename(unfinished, path).catch(async (error: unknown) => {
    await rm(unfinished, { force: true })
    throw error
  })
}

/** As `writeWhole`. */
export function writeWholeSync(
  path: string,
  content: string | Uint8Array,
  { mode = PRIVATE_FILE, durable = true }: NewFileOptions = {},
): void {
  const unfinished = unfinishedName(path)
  const file = openSync(unfinished, NEW, mode)
  try {
    try {
      writeFileSync(file, content)
      if (durable) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(unfinished, path)
  } catch (error) {
    unlinkSync(unfinished)
    throw error
  }
}

async function fill(file: FileHandle, content: string | Uint8Array, durable: boolean) {
  try {
    await file.writeFile(content)
    if (durable) await file.sync()
  } finally {
    await file.close()
  }
}

/** Whether a file of this name is what a process has left of one that it did not complete. */
export function isUnfinished(name: string): boolean {
  return /\.[0-9a-f]{16}\.tmp$/.test(name)
}

function unfinishedName(path: string): string {
  return `${path}.${randomBytes(8).toString('hex')}.tmp`
}
