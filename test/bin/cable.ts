/** A host in a network of its own, with a cable to this machine that can be cut. Needs root. */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { dropNamespace, run } from '../network/wires.ts'

const prefix = (pid: number) => `nvc${pid}x`
let made = 0

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Namespaces of runs that were killed; their cables go with them. */
async function dropStrays(): Promise<void> {
  const names = (await run('ip', 'netns', 'list')).split('\n').map(line => line.split(' ')[0] ?? '')
  for (const name of names) {
    const owner = /^nvc(\d+)x/.exec(name)?.[1]
    if (owner !== undefined && !isAlive(Number(owner))) await dropNamespace(name)
  }
}

const cut = `table inet cut {
  chain out { type filter hook output priority 0; oifname "cable" drop; }
  chain in { type filter hook input priority 0; iifname "cable" drop; }
}`

export class Cable {
  readonly #namespace: string
  /** This machine's end, where the host finds whatever listens there. */
  readonly address: string
  readonly #servers: Server[] = []
  #forwarder: ChildProcess | undefined

  private constructor(namespace: string, address: string) {
    this.#namespace = namespace
    this.address = address
  }

  static async lay(): Promise<Cable> {
    await dropStrays()
    const number = made++
    const name = `${prefix(process.pid)}${number}`
    // Of the addresses between carriers (RFC 6598), which no machine here has; others for another run beside this one.
    const net = `100.${64 + ((process.pid >> 8) % 64)}.${process.pid % 256}`
    const [here, there] = [`${net}.${4 * number + 1}`, `${net}.${4 * number + 2}`]
    await run('ip', 'netns', 'add', name)
    await run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    await run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'cable', 'netns', name)
    await run('ip', 'addr', 'add', `${here}/30`, 'dev', name)
    await run('ip', 'link', 'set', name, 'up')
    await run('ip', '-n', name, 'addr', 'add', `${there}/30`, 'dev', 'cable')
    await run('ip', '-n', name, 'link', 'set', 'cable', 'up')
    return new Cable(name, here)
  }

  /** What goes before the command of a process of this host. */
  get within(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace]
  }

  /** These ports of this machine's loopback are the host's, too, by another way than the cable. `folder`: for sockets. */
  async share(ports: readonly number[], folder: string): Promise<void> {
    const pairs: string[] = []
    for (const port of ports) {
      const path = join(folder, `${this.#namespace}-${port}`)
      const server = createServer(client => {
        const there = connect(port, '127.0.0.1')
        client.on('error', () => there.destroy()).on('close', () => there.destroy())
        there.on('error', () => client.destroy()).on('close', () => client.destroy())
        client.pipe(there).pipe(client)
      })
      await new Promise<void>(resolve => server.listen(path, resolve))
      this.#servers.push(server)
      pairs.push(`${port}=${path}`)
    }
    const program = join(import.meta.dirname, 'forward.ts')
    const command = ['--pdeathsig', 'KILL', '--', ...this.within, process.execPath, program, ...pairs]
    this.#forwarder = spawn('setpriv', command, { stdio: 'ignore' })
  }

  /** Nothing passes, and nobody is told. */
  async cut(): Promise<void> {
    await run('ip', 'netns', 'exec', this.#namespace, 'nft', cut)
  }

  async mend(): Promise<void> {
    await run('ip', 'netns', 'exec', this.#namespace, 'nft', 'delete table inet cut')
  }

  async close(): Promise<void> {
    this.#forwarder?.kill('SIGKILL')
    for (const server of this.#servers) server.close()
    await dropNamespace(this.#namespace)
  }
}
