/** An XML element as a value. Text and attribute values are escaped on rendering, so no name can break out of its place. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (XmlElement | string)[]
}

export type Attributes = Readonly<Record<string, string | number | undefined>>
export type Child = XmlElement | string | number | undefined | readonly Child[]

/** Attributes and children that are undefined are left out. */
export function element(name: string, attributes: Attributes = {}, ...children: Child[]): XmlElement {
  const kept: Record<string, string> = {}
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) kept[key] = String(value)
  return { name, attributes: kept, children: flatten(children) }
}

const flatten = (children: readonly Child[]): (XmlElement | string)[] =>
  children.flatMap((child): (XmlElement | string)[] => {
    if (child === undefined) return []
    if (Array.isArray(child)) return flatten(child as readonly Child[])
    return [typeof child === 'number' ? String(child) : (child as XmlElement | string)]
  })

/** What XML 1.0 forbids even when escaped: control characters, lone surrogates, U+FFFE and U+FFFF. */
const forbidden = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

export const escapeXml = (text: string): string =>
  text.replace(forbidden, '\u{FFFD}').replace(/[&<>"'\t\n\r]/g, character => entities[character] ?? character)

export function renderXml(node: XmlElement, indent = ''): string {
  const attributes = Object.entries(node.attributes).map(([key, value]) => ` ${key}="${escapeXml(value)}"`)
  const open = `${indent}<${node.name}${attributes.join('')}`
  if (node.children.length === 0) return `${open}/>\n`
  if (node.children.every(child => typeof child === 'string')) {
    return `${open}>${node.children.map(escapeXml).join('')}</${node.name}>\n`
  }
  const inner = node.children.map(child =>
    typeof child === 'string' ? `${indent}  ${escapeXml(child)}\n` : renderXml(child, `${indent}  `),
  )
  return `${open}>\n${inner.join('')}${indent}</${node.name}>\n`
}
