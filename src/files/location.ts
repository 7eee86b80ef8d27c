/** Where a directory is: a path or a `file:` URL, as an application gives it. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OptionError } from '../errors/errors.js'
import { show } from '../errors/option-checks.js'

/** A path (`./jobs`), or a `file:` URL as text or as an object. */
export type Location = string | URL

const URL_LIKE = /^[a-z][a-z0-9+.-]+:\/\//i
const FILE_URL = /^file:/i

/** The absolute path of a location. @throws {OptionError} it is none. */
export function pathOf(name: string, location: unknown): string {
  if (location instanceof URL) return pathOfUrl(name, location)
  if (typeof location !== 'string' || location === '' || location.includes('\0'))
    throw new OptionError(`the ${name} must be a path or a file: URL, got ${show(location)}`)
  return URL_LIKE.test(location) || FILE_URL.test(location) ? pathOfUrl(name, location) : resolve(location)
}

function pathOfUrl(name: string, url: string | URL): string {
  // `file:jobs` would be /jobs, which is hardly what is meant.
  const isAbsolute = typeof url !== 'string' || URL_LIKE.test(url)
  try {
    if (isAbsolute) return fileURLToPath(url)
  } catch (cause) {
    throw notLocal(name, url, { cause })
  }
  throw notLocal(name, url)
}

function notLocal(name: string, url: string | URL, options?: ErrorOptions): OptionError {
  return new OptionError(
    `the ${name} must be a path or a URL such as file:///var/lib/jobs, got ${show(url)}`,
    options,
  )
}
