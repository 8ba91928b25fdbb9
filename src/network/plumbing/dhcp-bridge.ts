import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * nova-dhcpbridge, as dnsmasq calls it: `init`, or `add|old|del MAC ADDRESS [HOSTNAME]`.
 *
 * It runs as a child of dnsmasq, perhaps while no control plane does, and owns no database. So it reads the leases it is
 * asked for at `init` from a file the network service keeps, and leaves news in a spool folder, one file each, which the
 * service takes in order.
 */

/** Where dnsmasq's environment says the network service keeps its files. */
export const stateVariable = 'NOVA_DHCPBRIDGE_DIR'

export interface LeaseNews {
  readonly networkId: string
  readonly action: 'add' | 'old' | 'del'
  readonly mac: string
  readonly address: string
  readonly hostname: string
  readonly atMs: number
}

export interface DhcpBridgeOutput {
  write(text: string): unknown
}

const pad = (value: bigint | number, digits: number): string => String(value).padStart(digits, '0')

/** Returns the exit code. `output` is where dnsmasq reads the leases from. */
export function dhcpBridge(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: DhcpBridgeOutput = process.stdout,
): number {
  const { NETWORK_ID: networkId, [stateVariable]: directory } = env
  // Ids go into paths: nothing but an id may stand there.
  if (networkId === undefined || directory === undefined || !/^[0-9a-zA-Z-]+$/.test(networkId)) return 1
  const [action, mac = '', address = '', hostname = ''] = argv
  if (action === 'init') {
    try {
      output.write(readFileSync(join(directory, networkId, 'leases'), 'utf8'))
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error
    }
    return 0
  }
  // Newer dnsmasq also reports tftp and arp events; they are not leases.
  if (action !== 'add' && action !== 'old' && action !== 'del') return 0
  const atMs = Date.now()
  const news: LeaseNews = { networkId, action, mac: env.DNSMASQ_MAC ?? mac, address, hostname, atMs }
  const spool = join(directory, 'spool')
  mkdirSync(spool, { recursive: true })
  // Ends in the order of arrival; a reader never sees half a file.
  const name = `${pad(atMs, 15)}-${pad(process.hrtime.bigint() % 1_000_000_000n, 9)}-${process.pid}`
  writeFileSync(join(spool, `.${name}`), JSON.stringify(news))
  renameSync(join(spool, `.${name}`), join(spool, `${name}.json`))
  return 0
}
