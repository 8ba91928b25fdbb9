import { styleText } from 'node:util'
import Table from 'cli-table3'
import type { CredentialFiles } from './credentials.ts'
import type { FirstRunResult } from './first-run/index.ts'
import type { AllInOneOptions } from './options.ts'
import { loopback, type Ports } from './ports.ts'

export interface Ready {
  readonly options: AllInOneOptions
  readonly ports: Ports
  readonly files: CredentialFiles
  readonly shown: FirstRunResult
}

const urls = (ports: Ports) => {
  const at = (port: number, path = '') => `http://${loopback}:${port}${path}`
  return {
    identity: at(ports.identity, '/v3'),
    compute: at(ports.compute, '/v2.1'),
    image: at(ports.image, '/v2'),
    network: at(ports.network, '/v2.0'),
    volume: at(ports.volume, '/v3'),
    share: at(ports.share, '/v2'),
    placement: at(ports.placement),
  }
}

/** For programs: one object with every URL and path. */
export const readyJson = ({ options, ports, files, shown }: Ready) => ({
  urls: urls(ports),
  state: options.stateDir,
  openrc: files.openrc,
  clouds_yaml: files.cloudsYaml,
  key_file: shown.keyFile,
  servers: shown.servers,
  pid: process.pid,
})

/** For people: what runs, where, and what to type next. */
export function readyScreen({ ports, files, shown }: Ready): string {
  const where = new Table({ head: ['service', 'URL'], style: { head: ['cyan'] } })
  where.push(...Object.entries(urls(ports)))
  const lines = ['', styleText('bold', 'Your cloud is ready.'), where.toString()]
  if (shown.servers.length > 0) {
    const servers = new Table({ head: ['server', 'status', 'addresses'], style: { head: ['cyan'] } })
    servers.push(...shown.servers.map(s => [s.name, s.status, s.addresses.join(', ')]))
    lines.push(servers.toString())
  }
  lines.push('', 'In another terminal:', '', `  source ${files.openrc}`, '  openstack server list')
  const address = shown.servers[0]?.addresses[0]
  if (shown.keyFile !== null && address !== undefined) {
    lines.push('  openstack console log show first', `  ssh -i ${shown.keyFile} cirros@${address}`)
  }
  lines.push('', `or with clouds.yaml: OS_CLIENT_CONFIG_FILE=${files.cloudsYaml} openstack --os-cloud nova server list`)
  lines.push('', styleText('dim', 'Ctrl-C stops the control plane and leaves the guests running.'))
  return lines.join('\n')
}
