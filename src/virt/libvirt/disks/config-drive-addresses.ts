import { fromJson } from '#base'
import type { GuestConfigDrive, GuestSpec } from '../../guest-spec.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { addressesIn } from '../guest/guest-records.ts'
import { domainById, procedures } from '../rpc/index.ts'
import { nodeAt, nodesAt, parseXml, textAt, type XmlNode } from '../xml-tree.ts'
import { makeConfigDrive } from './config-drive.ts'

/** A tagged device in `meta_data.json`; a NIC says its MAC, a volume its serial number. */
interface Device {
  address?: string
  readonly mac?: string
  readonly serial?: string
}

const isMetadata = /(^|\/)meta_data\.json$/

/**
 * The drive with the addresses that libvirt has given to tagged devices: they are known only when the guest is defined.
 * Undefined: it tells of no such device.
 */
export function withAddresses(drive: GuestConfigDrive, domain: XmlNode): GuestConfigDrive | undefined {
  const addresses = addressesIn(domain)
  const targets = new Map(
    nodesAt(domain, 'devices', 'disk').map(disk => [
      textAt(disk, 'serial') ?? '',
      nodeAt(disk, 'target')?.attributes['dev'] ?? '',
    ]),
  )
  const addressOf = ({ mac, serial }: Device): string | undefined =>
    mac === undefined ? addresses[targets.get(serial ?? '') ?? ''] : addresses[mac.toLowerCase()]
  let isChanged = false
  const files = drive.files.map(file => {
    if (!isMetadata.test(file.path)) return file
    const document = fromJson<{ devices?: Device[] }>(Buffer.from(file.base64, 'base64').toString())
    for (const device of document.devices ?? []) {
      const address = addressOf(device)
      if (address === undefined || device.address === address) continue
      device.address = address
      isChanged = true
    }
    return { ...file, base64: Buffer.from(JSON.stringify(document)).toString('base64') }
  })
  return isChanged ? { ...drive, files } : undefined
}

/** Writes them to the drive of a guest that has been defined and not started. */
export async function addAddresses(
  { client, files, writeConfigDrive }: Pick<GuestContext, 'client' | 'files' | 'writeConfigDrive'>,
  spec: GuestSpec,
): Promise<void> {
  const { configDrive } = spec
  if (configDrive === undefined || configDrive.files.length === 0) return
  const xml = await client.call(procedures.xml, { domain: domainById(spec.id), flags: 0 })
  const filled = withAddresses(configDrive, parseXml(xml))
  if (filled === undefined) return
  await makeConfigDrive({ ...spec, configDrive: filled }, files.configDrive(spec.id), writeConfigDrive)
}
