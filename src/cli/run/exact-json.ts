/**
 * JSON whose value is what was written. JSON.parse changes some texts without a word: it rounds numbers, and of two members with the
 * same name it drops one. Two different lines could then be one job.
 */

/**
 * Parses a text.
 *
 * @throws {SyntaxError} it is not JSON. @throws {RangeError} its value would not be what was written.
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text)
  checkExact(text)
  return value
}

/** A text that differs for values that differ: JSON itself writes -0 as 0. */
export function nameOfJson(value: unknown): string {
  const text = JSON.stringify(value)
  const negativeZeros: number[] = []
  let count = 0
  JSON.stringify(value, (_key, member: unknown) => {
    count++
    if (Object.is(member, -0)) negativeZeros.push(count)
    return member
  })
  return negativeZeros.length === 0 ? text : `${text} -0 at ${negativeZeros}`
}

const NUMBER = /[-\d.eE+]+/y

/** Goes through a text that is known to be JSON. */
function checkExact(text: string): void {
  /** The names of each object that is open; of an array `undefined`. */
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === 0x22) {
      const end = endOfString(text, at)
      const names = open.at(-1)
      if (names && isName(text, end)) addName(names, text.slice(at, end + 1))
      at = end
    } else if (char === 0x7b) open.push(new Set())
    else if (char === 0x5b) open.push(undefined)
    else if (char === 0x7d || char === 0x5d) open.pop()
    else if (char === 0x2d || (char >= 0x30 && char <= 0x39)) {
      NUMBER.lastIndex = at
      const [number = ''] = NUMBER.exec(text) ?? []
      checkNumber(number)
      at += number.length - 1
    }
  }
}

/** Where the string that begins at `start` has its last quote. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  for (;;) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++
    if (backslashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
}

/** Whether the string that ends here is the name of a member. */
function isName(text: string, end: number): boolean {
  let at = end + 1
  while (/\s/.test(text.charAt(at))) at++
  return text.charAt(at) === ':'
}

function addName(names: Set<string>, written: string): void {
  const name = JSON.parse(written) as string
  if (names.has(name)) throw new RangeError(`an object has the name ${cut(written)} twice`)
  names.add(name)
}

function checkNumber(written: string): void {
  if (isExact(written)) return
  throw new RangeError(`the number ${cut(written)} would become ${Number(written)}: write it as a string`)
}

/** Every decimal of so many digits is the nearest one to a double, where no exponent makes it too large or small. */
const SAFE_DIGITS = 15
/** `toExponential` gives no more. */
const MOST_DIGITS = 101

/**
 * Whether the double nearest to a number is, with as many digits, the number as it was written. The shortest digits that give a
 * double, which JSON.stringify writes, may be others than its own: 1321923618245660.25 is written with .2, and rounded to .3.
 */
function isExact(written: string): boolean {
  if (written.length <= SAFE_DIGITS && !/e/i.test(written)) return true
  const [, whole = '', fraction = '', exponent = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(written) ?? []
  const digits = whole + fraction
  const significant = digits.replace(/^0+/, '').replace(/0+$/, '')
  if (significant === '') return true
  const value = Math.abs(Number(written))
  if (value === Number.POSITIVE_INFINITY || significant.length > MOST_DIGITS) return false
  const leadingZeros = digits.length - digits.replace(/^0+/, '').length
  const power = Number(exponent) + whole.length - 1 - leadingZeros
  const [first = '', rest] = [significant.slice(0, 1), significant.slice(1)]
  const expected = `${first}${rest && `.${rest}`}e${power < 0 ? '-' : '+'}${Math.abs(power)}`
  return value.toExponential(significant.length - 1) === expected || value.toExponential() === expected
}

function cut(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`
}
