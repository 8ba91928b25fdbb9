import { SaxesParser } from 'saxes'
import { renderXml, type XmlElement } from './domain/index.ts'

export interface XmlNode {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlNode[]
  readonly text: string
}

interface OpenNode extends XmlNode {
  readonly children: XmlNode[]
  text: string
}

/** Reads a document libvirt wrote. */
export function parseXml(document: string): XmlNode {
  const root: OpenNode = { name: '', attributes: {}, children: [], text: '' }
  const open: OpenNode[] = [root]
  const top = (): OpenNode => open.at(-1) ?? root
  const parser = new SaxesParser()
  parser.on('opentag', tag => {
    const node: OpenNode = {
      name: tag.name,
      attributes: tag.attributes as Record<string, string>,
      children: [],
      text: '',
    }
    top().children.push(node)
    open.push(node)
  })
  parser.on('text', text => {
    top().text += text
  })
  parser.on('closetag', () => {
    open.pop()
  })
  parser.on('error', error => {
    throw error
  })
  parser.write(document).close()
  const first = root.children[0]
  if (first === undefined) throw new Error('empty XML document')
  return first
}

/** All nodes at a path of names below `node`: `nodesAt(domain, 'devices', 'interface')`. */
export const nodesAt = (node: XmlNode, ...path: readonly string[]): readonly XmlNode[] =>
  path.reduce<readonly XmlNode[]>(
    (nodes, name) => nodes.flatMap(n => n.children.filter(child => child.name === name)),
    [node],
  )

export const nodeAt = (node: XmlNode, ...path: readonly string[]): XmlNode | undefined => nodesAt(node, ...path)[0]

export const textAt = (node: XmlNode, ...path: readonly string[]): string | undefined =>
  nodeAt(node, ...path)?.text.trim()

/** Writes a node that was read back as it was. */
export const renderNode = (node: XmlNode): string => renderXml(asElement(node))

const asElement = (node: XmlNode): XmlElement => ({
  name: node.name,
  attributes: node.attributes,
  children: node.children.length > 0 ? node.children.map(asElement) : node.text.trim() === '' ? [] : [node.text.trim()],
})
