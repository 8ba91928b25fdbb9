import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Network namespaces of a test: a host, an outside world, and guests behind taps; all gone after, also after a crash. */

const exec = promisify(execFile)

export const run = async (program: string, ...args: string[]): Promise<string> => (await exec(program, args)).stdout

/** `nnt<pid>x…`: a later run sees whose test is dead. */
const prefix = `nnt${process.pid}x`

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export async function dropNamespace(name: string): Promise<void> {
  const pids = (await run('ip', 'netns', 'pids', name).catch(() => '')).split('\n').filter(line => line !== '')
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // ended meanwhile
    }
  }
  await run('ip', 'netns', 'delete', name).catch(() => undefined)
}

const folderPrefix = 'nova-wires-'

/** Namespaces that the plumbing of a test made, by its own notes. */
async function dropPlumbed(folder: string): Promise<void> {
  const notes = join(folder, 'run/namespaces')
  if (existsSync(notes)) for (const name of readdirSync(notes)) await dropNamespace(name)
  rmSync(folder, { recursive: true, force: true })
}

/** Namespaces of tests that died without cleaning up. */
export async function dropStrays(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1]
    if (owner !== undefined && !isAlive(Number(owner))) await dropPlumbed(join(tmpdir(), name))
  }
  const names = (await run('ip', 'netns', 'list')).split('\n').map(line => line.split(' ')[0] ?? '')
  for (const name of names) {
    const owner = /^nnt(\d+)x/.exec(name)?.[1]
    if (owner !== undefined && (Number(owner) === process.pid || !isAlive(Number(owner)))) await dropNamespace(name)
  }
}

export interface Guest {
  readonly ns: string
  readonly tap: string
}

const dhcpScript = `#!/bin/sh
case "$1" in bound|renew) ;; *) exit 0 ;; esac
env > "$LEASE_FILE.new" && mv "$LEASE_FILE.new" "$LEASE_FILE"
ip addr replace "$ip/$mask" brd + dev "$interface"
[ -n "$mtu" ] && ip link set dev "$interface" mtu "$mtu"
set -- $staticroutes
while [ -n "$2" ]; do ip route replace "$1" via "$2"; shift 2; done
exit 0
`

export class Wires {
  readonly folder = mkdtempSync(join(tmpdir(), `${folderPrefix}${process.pid}-`))
  /** For the plumbing under test. */
  readonly runDirectory = join(this.folder, 'run')
  readonly host = `${prefix}host`
  readonly outside = `${prefix}out`
  readonly #children: ChildProcess[] = []
  #guests = 0

  async up(): Promise<void> {
    await dropStrays()
    chmodSync(this.folder, 0o755)
    mkdirSync(this.runDirectory, { mode: 0o755 })
    writeFileSync(join(this.folder, 'dhcp.sh'), dhcpScript, { mode: 0o755 })
    for (const ns of [this.host, this.outside]) {
      await run('ip', 'netns', 'add', ns)
      await run('ip', '-n', ns, 'link', 'set', 'lo', 'up')
    }
    await run(
      'ip',
      '-n',
      this.host,
      'link',
      'add',
      'uplink',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      this.outside,
    )
    await run('ip', '-n', this.host, 'addr', 'add', '198.51.100.2/24', 'dev', 'uplink')
    await run('ip', '-n', this.outside, 'addr', 'add', '198.51.100.1/24', 'dev', 'eth0')
    await run('ip', '-n', this.host, 'link', 'set', 'uplink', 'up')
    await run('ip', '-n', this.outside, 'link', 'set', 'eth0', 'up')
    await run('ip', '-n', this.host, 'route', 'add', 'default', 'via', '198.51.100.1')
  }

  /** What a hypervisor does: a tap on the bridge, a network card with the port's MAC behind it. */
  async guest(portId: string, bridge: string, mac: string): Promise<Guest> {
    const ns = `${prefix}g${++this.#guests}`
    const tap = `tap${portId.slice(0, 11)}`
    await run('ip', 'netns', 'add', ns)
    await run('ip', '-n', this.host, 'link', 'add', tap, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns)
    await run('ip', '-n', this.host, 'link', 'set', tap, 'master', bridge, 'up')
    await run('ip', '-n', ns, 'link', 'set', 'lo', 'up')
    await run('ip', '-n', ns, 'link', 'set', 'eth0', 'address', mac, 'up')
    return { ns, tap }
  }

  /** Asks for a lease; the variables of the client's script, or undefined when nobody answered. */
  async lease(guest: Guest): Promise<Readonly<Record<string, string>> | undefined> {
    const file = join(this.folder, `${guest.ns}.lease`)
    rmSync(file, { force: true })
    const args = [
      'udhcpc',
      '-i',
      'eth0',
      '-n',
      '-q',
      '-f',
      '-t',
      '4',
      '-T',
      '1',
      '-O',
      'mtu',
      '-O',
      'staticroutes',
      '-s',
      join(this.folder, 'dhcp.sh'),
    ]
    try {
      await exec('ip', ['netns', 'exec', guest.ns, 'env', `LEASE_FILE=${file}`, 'busybox', ...args])
    } catch {
      return undefined
    }
    return Object.fromEntries(
      readFileSync(file, 'utf8')
        .split('\n')
        .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
  }

  async pings(ns: string, address: string): Promise<boolean> {
    return run('ip', 'netns', 'exec', ns, 'busybox', 'ping', '-c', '2', '-W', '1', address).then(
      () => true,
      () => false,
    )
  }

  /** A server that greets with the peer's address and echoes lines. */
  async serve(ns: string, port: number): Promise<void> {
    const program = `require('net').createServer(s=>{s.on('error',()=>0);s.write(s.remoteAddress+'\\n');s.pipe(s)}).listen(${port},()=>console.log('up'))`
    await this.#start(ns, program, 'up')
  }

  /** The world's name server, and the host told of it: every name has this address. */
  async nameServer(address: string): Promise<void> {
    const bytes = address.split('.').join()
    // The question with the marks of an answer, and one record that points back to its name.
    const answer = `b=>Buffer.concat([b.subarray(0,2),Buffer.from([0x81,0x80,0,1,0,1,0,0,0,0]),b.subarray(12,b.indexOf(0,12)+5),Buffer.from([0xc0,12,0,1,0,1,0,0,0,60,0,4,${bytes}])])`
    const program = `const s=require('dgram').createSocket('udp4');const a=${answer};s.on('message',(b,r)=>s.send(a(b),r.port,r.address));s.bind(53,()=>console.log('up'))`
    await this.#start(this.outside, program, 'up')
    // iproute2 shows it to what is run in the namespace.
    mkdirSync(`/etc/netns/${this.host}`, { recursive: true })
    writeFileSync(`/etc/netns/${this.host}/resolv.conf`, 'nameserver 198.51.100.1\n')
  }

  /** The greeting of such a server, or undefined when there is no way to it. */
  async greeting(ns: string, address: string, port: number): Promise<string | undefined> {
    const program = `const s=require('net').connect(${port},'${address}');setTimeout(()=>process.exit(1),1500);s.on('error',()=>process.exit(1));s.on('data',d=>{console.log(String(d).trim());process.exit(0)})`
    return run('ip', 'netns', 'exec', ns, process.execPath, '-e', program).then(
      text => text.trim().replace('::ffff:', ''),
      () => undefined,
    )
  }

  /** An open connection: `say` sends a line and resolves true when it came back in time. */
  async connection(ns: string, address: string, port: number): Promise<(word: string) => Promise<boolean>> {
    const program = `const s=require('net').connect(${port},'${address}');s.on('error',e=>console.log(e.code));process.stdin.pipe(s);s.pipe(process.stdout)`
    const child = await this.#start(ns, program, '.')
    return word =>
      new Promise(resolve => {
        const timer = setTimeout(() => done(false), 2000)
        const look = (data: Buffer) => String(data).includes(word) && done(true)
        const done = (heard: boolean) => {
          clearTimeout(timer)
          child.stdout?.off('data', look)
          resolve(heard)
        }
        child.stdout?.on('data', look)
        child.stdin?.write(`${word}\n`)
      })
  }

  async #start(ns: string, program: string, sign: string): Promise<ChildProcess> {
    const child = spawn('ip', ['netns', 'exec', ns, process.execPath, '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#children.push(child)
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', data => String(data).includes(sign) && resolve())
      child.on('exit', code => reject(new Error(`ended with ${code} before it was ready`)))
    })
    return child
  }

  async down(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(`/etc/netns/${this.host}`, { recursive: true, force: true })
    await dropPlumbed(this.folder)
    await dropStrays()
  }
}
