import { declareFault } from '#base'
import type { ConnectionInfo } from '#cloud'
import { element, type XmlElement } from './element.ts'

export const VolumeDriverNotFound = declareFault(
  'VolumeDriverNotFound',
  'final',
  (p: { type: string }) => `Could not find a handler for ${p.type} volume.`,
)
export const InvalidVolumeAccessMode = declareFault(
  'InvalidVolumeAccessMode',
  'final',
  (p: { mode: string }) => `Invalid volume access mode: ${p.mode}`,
)
/** The volume service has told less than is needed to reach the volume. */
export const VolumeConnectionUnusable = declareFault(
  'VolumeConnectionUnusable',
  'final',
  (p: { type: string; reason: string }) => `The connection of a ${p.type} volume cannot be used: ${p.reason}`,
)

export interface DiskSource {
  readonly type: 'file' | 'block' | 'network'
  readonly format: 'raw' | 'qcow2'
  readonly element: XmlElement
}

type Data = Readonly<Record<string, unknown>>

const textOf = (data: Data, key: string): string | undefined => {
  const value = data[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

function need(type: string, data: Data, key: string): string {
  const value = textOf(data, key)
  if (value === undefined) throw VolumeConnectionUnusable({ type, reason: `it has no ${key}` })
  return value
}

const formatOf = (data: Data): DiskSource['format'] => (data['format'] === 'qcow2' ? 'qcow2' : 'raw')

/** Which secret of the hypervisor opens a disk. */
export const encryptionElement = (uuid: string): XmlElement =>
  element('encryption', { format: 'luks' }, element('secret', { type: 'passphrase', uuid }))

/** Of a volume whose contents are encrypted: which secret of the hypervisor opens it. */
const encryptionOf = (data: Data): XmlElement | undefined => {
  const uuid = textOf(data, 'encryption_secret_uuid')
  return uuid === undefined ? undefined : encryptionElement(uuid)
}

const fileSource = (type: string, data: Data): DiskSource => {
  const path = need(type, data, 'device_path')
  const isBlock = data['is_block'] === true
  const attributes = isBlock ? { dev: path } : { file: path }
  const source = element('source', attributes, encryptionOf(data))
  return { type: isBlock ? 'block' : 'file', format: formatOf(data), element: source }
}

const hostElement = (name: string, port: string | undefined) => element('host', { name, port })

/** `192.0.2.1:3260`, `[2001:db8::1]:3260` */
function portal(type: string, text: string): XmlElement {
  const [, v6, name, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
  const address = v6 ?? name
  if (address === undefined) throw VolumeConnectionUnusable({ type, reason: `${text} is no portal` })
  return hostElement(address, port ?? '3260')
}

const auth = (data: Data, type: 'iscsi' | 'ceph'): XmlElement | undefined => {
  const [username, uuid] = [textOf(data, 'auth_username'), textOf(data, 'secret_uuid')]
  return username === undefined || uuid === undefined
    ? undefined
    : element('auth', { username }, element('secret', { type, uuid }))
}

/** QEMU's own initiator: the host needs none, and sees nothing of the disk. */
const iscsiSource = (type: string, data: Data): DiskSource => {
  const name = `${need(type, data, 'target_iqn')}/${Number(data['target_lun'] ?? 0)}`
  const initiator = textOf(data, 'initiator')
  const source = element(
    'source',
    { protocol: 'iscsi', name },
    portal(type, need(type, data, 'target_portal')),
    auth(data, 'iscsi'),
    initiator === undefined ? undefined : element('initiator', {}, element('iqn', { name: initiator })),
    encryptionOf(data),
  )
  return { type: 'network', format: 'raw', element: source }
}

const rbdSource = (type: string, data: Data): DiskSource => {
  const ports = listOf(data['ports'])
  const hosts = listOf(data['hosts']).map((host, i) => hostElement(host, ports[i]))
  const parts = [hosts, auth(data, 'ceph'), encryptionOf(data)]
  const source = element('source', { protocol: 'rbd', name: need(type, data, 'name') }, ...parts)
  return { type: 'network', format: 'raw', element: source }
}

/** `{ host, port, export }`, or a `socket` of this machine. */
const nbdSource = (type: string, data: Data): DiskSource => {
  const socket = textOf(data, 'socket')
  const host =
    socket === undefined
      ? hostElement(need(type, data, 'host'), String(data['port'] ?? 10809))
      : element('host', { transport: 'unix', socket })
  const source = element('source', { protocol: 'nbd', name: textOf(data, 'export') }, host, encryptionOf(data))
  return { type: 'network', format: formatOf(data), element: source }
}

const sources: Readonly<Record<string, (type: string, data: Data) => DiskSource>> = {
  local: fileSource,
  gpfs: fileSource,
  nfs: fileSource,
  iscsi: iscsiSource,
  rbd: rbdSource,
  nbd: nbdSource,
}

export const isKnownConnection = (type: string): boolean => Object.hasOwn(sources, type)

/** Where the hypervisor finds a volume; of a connection that `prepare` has completed. */
export function volumeSource({ driverVolumeType: type, data }: ConnectionInfo): DiskSource {
  const source = isKnownConnection(type) ? sources[type] : undefined
  if (source === undefined) throw VolumeDriverNotFound({ type })
  return source(type, data)
}
