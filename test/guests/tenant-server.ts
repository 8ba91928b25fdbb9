import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { waitFor } from '#base'
import { run } from '../network/wires.ts'
import type { HostsCloud } from './hosts.ts'

const program = `
let connections = 0, lines = 0
require('net').createServer(socket => {
  connections++
  socket.on('error', () => undefined)
  require('readline').createInterface({ input: socket }).on('line', line => {
    console.log(JSON.stringify({ connections, lines: ++lines, line }))
  })
}).listen(7777, () => console.log(JSON.stringify({ connections, lines })))
`

/** A server on a tenant's network, in a network namespace of its own, that counts what it hears and over how many connections. */
export class TenantServer {
  readonly networkId: string
  readonly address: string
  readonly port = 7777
  readonly #netns: string
  readonly #child: ChildProcess
  connections = 0
  heard = 0

  private constructor(networkId: string, address: string, netns: string, child: ChildProcess) {
    this.networkId = networkId
    this.address = address
    this.#netns = netns
    this.#child = child
    if (child.stdout === null) throw new Error('no output')
    createInterface({ input: child.stdout }).on('line', line => {
      const { connections, lines } = JSON.parse(line) as { connections: number; lines: number }
      this.connections = connections
      this.heard = lines
    })
  }

  /** Beside the bridge of the network, which is there as soon as the network has a guest; with an address of its own. */
  static async open(cloud: HostsCloud, networkId: string): Promise<TenantServer> {
    const port = { network_id: networkId, name: 'tenant-server' }
    const made = await cloud.call('POST', '/ports', { port }, 'network')
    const [{ ip_address: address }] = made.port.fixed_ips
    const netns = cloud.machines.extraNamespace
    await run('ip', '-n', netns, 'link', 'set', 'lo', 'up')
    const child = spawn(
      'ip',
      ['netns', 'exec', netns, 'setpriv', '--pdeathsig', 'KILL', process.execPath, '-e', program],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    return new TenantServer(networkId, address, netns, child)
  }

  /** Joins the server with the network's bridge. */
  async plug(): Promise<void> {
    const bridge = `brq${this.networkId.slice(0, 11)}`
    const link = `nvs${this.networkId.slice(0, 8)}`
    await run('ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#netns)
    await run('ip', 'link', 'set', link, 'master', bridge, 'up')
    await run('ip', '-n', this.#netns, 'addr', 'add', `${this.address}/24`, 'dev', 'eth0')
    await run('ip', '-n', this.#netns, 'link', 'set', 'eth0', 'up')
  }

  whenHeard(lines: number): Promise<true> {
    return waitFor(`line ${lines}`, () => (this.heard >= lines ? true : undefined), {
      deadlineMs: 60_000,
      everyMs: 50,
    })
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL')
  }
}
