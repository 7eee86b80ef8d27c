/** The documents, and what tests read out of one: its code blocks, tables and links. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface Block {
  /** What follows the opening fence. */
  readonly language: string
  readonly text: string
  /** Where its first line stands in the document, counted from 1. */
  readonly line: number
  /** The file that it is, if its first line is a comment with just a path: `// workers/resize.js`. */
  readonly file: string | undefined
}

/** The Markdown files that people read first, and all below docs/, as paths relative to the repository. */
export function documentsOf(root: string): string[] {
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  return [
    ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
    ...pages.filter((page) => page.endsWith('.md')).map((page) => `docs/${page}`),
  ]
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm
const FILE_COMMENT = /^\/\/ (\S+\.[cm]?[jt]s)\n/

export function codeBlocks(markdown: string): Block[] {
  return [...markdown.matchAll(FENCE)].map(({ 1: language = '', 2: text = '', index }) => ({
    language,
    text,
    line: markdown.slice(0, index).split('\n').length + 1,
    file: FILE_COMMENT.exec(text)?.[1],
  }))
}

/** The rows of the tables under a heading, without their head, cell by cell. */
export function tableRows(markdown: string, heading: string): string[][] {
  const section = sectionOf(markdown, heading)
  const rows: string[][] = []
  let isBody = false
  for (const line of section.split('\n')) {
    if (!line.startsWith('|')) isBody = false
    else if (/^\|[-|]+$/.test(line)) isBody = true
    else if (isBody)
      rows.push(
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      )
  }
  return rows
}

/** What stands in code spans in a text. */
export function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

/** A section's text, from its heading (given without what follows its first words) to the next one. */
export function sectionOf(markdown: string, heading: string): string {
  const sections = markdown.split(/^(?=#+ )/m)
  const found = sections.filter((section) => section.startsWith(`${heading}`))
  if (found.length !== 1) throw new Error(`${found.length} sections begin with "${heading}"`)
  return found[0] ?? ''
}

/** The targets of a document's links, outside its code. */
export function links(markdown: string): string[] {
  return [...markdown.replace(FENCE, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
}

/** The anchors that a document's headings have on the usual forges. */
export function anchors(markdown: string): string[] {
  return [...markdown.replace(FENCE, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
