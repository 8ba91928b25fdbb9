import { nodeAt, nodesAt, parseXml, renderNode, type XmlNode } from '../xml-tree.ts'

/*
 * The definition with which a running guest arrives. What the guest sees (addresses, models, order) must be what it has at
 * the source, so that definition is the one that counts; what belongs to the host (files, bridges, addresses to listen
 * on) is taken from the definition that the target would make.
 */

const targetOf = (node: XmlNode): string | undefined => nodeAt(node, 'target')?.attributes['dev']
const macOf = (node: XmlNode): string | undefined => nodeAt(node, 'mac')?.attributes['address']?.toLowerCase()

/** A device of the target's definition with the same key. */
const counterpart = (
  theirs: XmlNode,
  kind: string,
  node: XmlNode,
  key: (node: XmlNode) => string | undefined,
): XmlNode | undefined => {
  const wanted = key(node)
  return wanted === undefined ? undefined : nodesAt(theirs, 'devices', kind).find(other => key(other) === wanted)
}

const without = (node: XmlNode, ...names: readonly string[]): readonly XmlNode[] =>
  node.children.filter(child => !names.includes(child.name))

/** These children of the other node take the place of those that the node has. */
function withChildren(node: XmlNode, other: XmlNode, ...names: readonly string[]): XmlNode {
  return {
    ...node,
    children: [...without(node, ...names), ...other.children.filter(child => names.includes(child.name))],
  }
}

/** In the order in which they are, for the firmware's parts belong together. */
function withFiles(node: XmlNode, other: XmlNode, ...names: readonly string[]): XmlNode {
  const children = node.children.map(child =>
    names.includes(child.name) ? { ...child, text: nodeAt(other, child.name)?.text ?? child.text } : child,
  )
  return { ...node, children }
}

function disk(node: XmlNode, theirs: XmlNode): XmlNode {
  // What lies under it is looked up at the target; what is being mirrored is none of its business.
  const bare = { ...node, children: without(node, 'backingStore', 'mirror') }
  const other = counterpart(theirs, 'disk', node, targetOf)
  if (other === undefined) return bare
  const type = other.attributes['type'] ?? node.attributes['type'] ?? 'file'
  return withChildren({ ...bare, attributes: { ...node.attributes, type } }, other, 'source')
}

function nic(node: XmlNode, theirs: XmlNode): XmlNode {
  const other = counterpart(theirs, 'interface', node, macOf)
  if (other === undefined) return node
  const type = other.attributes['type'] ?? 'bridge'
  return withChildren({ ...node, attributes: { ...node.attributes, type } }, other, 'source', 'target')
}

function graphics(node: XmlNode, theirs: XmlNode): XmlNode {
  const other = nodesAt(theirs, 'devices', 'graphics').find(g => g.attributes['type'] === node.attributes['type'])
  if (other === undefined) return node
  const { listen } = other.attributes
  // A port that is taken at the target would keep the guest from starting.
  const { port: _port, ...attributes } = node.attributes
  const isAutomatic = node.attributes['autoport'] === 'yes'
  const kept = isAutomatic ? attributes : node.attributes
  return withChildren(
    { ...node, attributes: { ...kept, ...(listen === undefined ? {} : { listen }) } },
    other,
    'listen',
  )
}

/** Serial ports and consoles: files and addresses. */
function character(node: XmlNode, theirs: XmlNode): XmlNode {
  const port = (n: XmlNode) => nodeAt(n, 'target')?.attributes['port']
  const other = counterpart(theirs, 'serial', node, port)
  if (other === undefined) return node
  const { tty: _tty, ...attributes } = node.attributes
  const isTty = node.attributes['type'] === 'pty'
  const names = isTty ? ['log'] : ['source', 'log']
  const bare = { ...node, attributes, children: isTty ? without(node, 'source') : node.children }
  return withChildren(bare, other, ...names)
}

/** The guest agent's and other channels: libvirt makes the path of a socket anew. */
function channel(node: XmlNode): XmlNode {
  const source = nodeAt(node, 'source')
  const isLibvirts = source?.attributes['path']?.startsWith('/var/lib/libvirt/') ?? false
  return isLibvirts ? { ...node, children: without(node, 'source') } : node
}

const devices: Readonly<Record<string, (node: XmlNode, theirs: XmlNode) => XmlNode>> = {
  disk,
  interface: nic,
  graphics,
  serial: character,
  console: character,
  channel,
}

const isPci = (node: XmlNode): boolean => node.name === 'hostdev' && node.attributes['type'] === 'pci'

/** PCI devices stand in both definitions in the order in which the guest has asked for them. */
function withDevicesOf(ours: XmlNode, theirs: XmlNode): XmlNode {
  const others = nodesAt(theirs, 'devices', 'hostdev').filter(isPci)
  let seen = 0
  const children = ours.children.map(device => {
    if (!isPci(device)) return devices[device.name]?.(device, theirs) ?? device
    const other = others[seen++]
    return other === undefined ? device : withChildren(device, other, 'source')
  })
  return { ...ours, children }
}

/** Whose CPUs and memory the guest has, and what is behind that memory, is another thing at each host. */
const ofHost = ['metadata', 'vcpu', 'cputune', 'numatune', 'memoryBacking']

export function arrivingDomain(ours: string, theirs: string): string {
  const [here, there] = [parseXml(ours), parseXml(theirs)]
  const children = here.children
    .filter(node => !ofHost.includes(node.name))
    .map(node => {
      if (node.name === 'devices') return withDevicesOf(node, there)
      // Files of the firmware and of a kernel that is booted directly.
      const os = node.name === 'os' ? nodeAt(there, 'os') : undefined
      return os === undefined ? node : withFiles(node, os, 'nvram', 'kernel', 'initrd')
    })
  const atHost = there.children.filter(node => ofHost.includes(node.name))
  return renderNode({ ...here, children: [...children, ...atHost] })
}
