/** Elements of an SVG, as text. The same input gives the same bytes. */

export type Attributes = Readonly<Record<string, string | number>>

/** An element, on lines of its own, with what it holds. */
export function element(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const start = `<${name}${attributesText(attributes)}`
  return content.length === 0 ? `${start}/>` : `${start}>\n${content.join('\n')}\n</${name}>`
}

/** A line of text. */
export function words(content: string, attributes: Attributes): string {
  return `<text${attributesText(attributes)}>${escaped(content)}</text>`
}

/** Straight lines through points. */
export function pathThrough(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${rounded(x)} ${rounded(y)}`).join('')
}

function attributesText(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? rounded(value) : escaped(value)}"`)
    .join('')
}

/** A hundredth of a pixel is enough. */
function rounded(value: number): string {
  return String(Number(value.toFixed(2)))
}

function escaped(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
