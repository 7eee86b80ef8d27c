/**
 * Text that the command writes, made safe for terminals: it may come from inputs, workers and file names. A terminal obeys control
 * characters, and bidirectional ones let a text show other words than it holds.
 */

/** DEL, C1, and what controls the direction of text. LINE SEPARATOR and PARAGRAPH SEPARATOR end a line for some readers. */
const HIDDEN = '\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069'
/** All but tab and line feed. */
const C0 = '\\u0000-\\u0008\\u000b-\\u001f'

const UNPRINTABLE = new RegExp(`[${C0}${HIDDEN}]`, 'g')
const UNPRINTABLE_IN_JSON = new RegExp(`[${HIDDEN}]`, 'g')

/** Text as it may be shown: what is not printable is written as `\u001b`. Lines and tabs stay. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped)
}

/** The same for JSON, which escapes C0 itself. Its value stays the same, for such characters are only found in its strings. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE_IN_JSON, escaped)
}

/** Says something to the user, on standard error. */
export function say(text: string): void {
  console.error(printable(`millrace: ${text}`))
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
