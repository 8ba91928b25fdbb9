import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connector } from '../../driver.ts'

/** Who this host is to a volume service. */
export interface HostIdentity {
  /** `host` of nova.conf */
  readonly host: string
  /** `my_block_storage_ip` */
  readonly ip: string
  /** Its name to iSCSI targets. */
  readonly initiator: string
}

const readText = (path: string): string | undefined => {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}

/**
 * As open-iscsi has it. Without it the host has no initiator; QEMU has its own, which needs a name for the target to
 * know, and takes one that stays with the machine.
 */
export function initiatorName(hostUuid: string, path = '/etc/iscsi/initiatorname.iscsi'): string {
  const named = /^InitiatorName=(\S+)/m.exec(readText(path) ?? '')?.[1]
  return named ?? `iqn.2008-11.org.linux-kvm:${hostUuid}`
}

/** Ports of fibre channel adapters that are up. */
function fibreChannel(root = '/sys/class/fc_host'): { wwpns: readonly string[]; wwnns: readonly string[] } {
  const hosts = existsSync(root) ? readdirSync(root).map(name => join(root, name)) : []
  const online = hosts.filter(path => readText(join(path, 'port_state')) === 'Online')
  const names = (file: string) => online.flatMap(path => readText(join(path, file))?.replace(/^0x/, '') ?? [])
  return { wwpns: names('port_name'), wwnns: names('node_name') }
}

/** What os-brick would tell of this host, as far as it is so. */
export function connectorOf({ host, ip, initiator }: HostIdentity): Connector {
  const { wwpns, wwnns } = fibreChannel()
  const [uuid, nqn] = [readText('/sys/class/dmi/id/product_uuid'), readText('/etc/nvme/hostnqn')]
  return {
    platform: process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch,
    os_type: 'linux',
    ip,
    host,
    // QEMU's initiator knows one path only.
    multipath: false,
    do_local_attach: false,
    initiator,
    ...(wwpns.length === 0 ? {} : { wwpns, wwnns }),
    ...(uuid === undefined ? {} : { 'system uuid': uuid }),
    ...(nqn === undefined ? {} : { nqn }),
  }
}
