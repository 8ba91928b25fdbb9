import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Closers } from '#base'
import { Cable } from '../bin/cable.ts'
import { type Engines, startEngines } from '../bin/engines.ts'
import { type Cloud, ServiceProcess, startCloud } from '../bin/processes.ts'
import { adminPassword } from '../cloud/neighbours.ts'
import { type Arena, impatience, type Target } from './arena.ts'
import { Client } from './client.ts'
import { filesOf, type HostFiles, simulatedHosts } from './simulated-hosts.ts'
import { cutCable, slowed, WrongClock } from './troubles.ts'

export const targetOf = (process: ServiceProcess, host?: string): Target => ({
  name: host === undefined ? process.name : `${process.name} of ${host}`,
  ...(host === undefined ? {} : { host }),
  kill: async () => void (await process.end('SIGKILL')),
  start: () => process.start(),
})

export const targetsOf = ({ broker, database }: Engines): Target[] => [
  { name: 'RabbitMQ', kill: () => broker.kill(), start: () => broker.run() },
  { name: 'MariaDB', kill: () => database.kill(), start: () => database.start() },
  slowed('MariaDB', () => database.pid),
  slowed('RabbitMQ', () => broker.pid),
]

/** MariaDB and RabbitMQ, and a host that reaches the broker by a cable only. */
export interface Surroundings {
  readonly engines: Engines
  readonly cable: Cable
}

/** The host that has the cable. */
const farHost = 'host-2'

/** A clock of the conductor's and one of a host's that can be wrong, by minutes: more than any lease or patience lasts. */
const jumpSeconds = 300

/** On MariaDB and RabbitMQ, which are killed too, and slowed; a host's cable is cut, and clocks jump. */
export async function enginesArena(hostCount: number): Promise<Arena> {
  const cable = await Cable.lay()
  try {
    const engines = await startEngines({ brokerConfig: `listeners.tcp.2 = ${cable.address}:PORT` })
    return await distributedArena(hostCount, { engines, cable })
  } catch (error) {
    await cable.close()
    throw error
  }
}

/** No sockets. */
const isPlain = (path: string): boolean => statSync(path).isFile() || statSync(path).isDirectory()

/** Logs and databases stay for whoever wants to know. */
export const keepFiles = (folder: string): void =>
  cpSync(folder, `${folder}.kept`, { recursive: true, filter: isPlain })

/** The API as something that may be killed, and a client that finds it: it listens on another port in each life. */
export async function openApi({ service, builtIn }: Pick<Cloud, 'service' | 'builtIn'>) {
  const api = service['nova-api-os-compute']
  let port = api.port('nova-api-os-compute')
  const target: Target = {
    ...targetOf(api),
    start: async () => {
      await api.start()
      port = api.port('nova-api-os-compute')
    },
  }
  const client = new Client(() => ({ ...builtIn.urls, compute: `http://127.0.0.1:${port}/v2.1` }), adminPassword)
  await client.login()
  return { target, client }
}

/** Each Nova service a process of its own, several hosts, on a file and sockets; the neighbours live here and do not die. */
export async function distributedArena(hostCount: number, surroundings?: Surroundings): Promise<Arena> {
  const closers = new Closers()
  const { engines, cable } = surroundings ?? {}
  if (cable !== undefined) closers.add(() => cable.close())
  if (engines !== undefined) closers.add(() => engines.close())
  const control = ['nova-scheduler', 'nova-api-os-compute'] as const
  const bus = engines === undefined ? undefined : { url: engines.broker.url() }
  const cloud = await startCloud([], impatience, bus, engines?.databaseUrl)
  closers.add(() => cloud.close())
  const { builtIn } = cloud
  const targets: Target[] = engines === undefined ? [] : targetsOf(engines)
  const hosts: HostFiles[] = []
  try {
    const clockOf = (name: string): WrongClock | undefined => {
      if (engines === undefined) return undefined
      const clock = new WrongClock(join(builtIn.folder, `clock of ${name}`))
      targets.push(clock.jump(name, jumpSeconds), clock.jump(name, -jumpSeconds))
      return clock
    }
    const conductor = new ServiceProcess('nova-conductor', cloud.configFile, builtIn.folder, {
      env: clockOf('nova-conductor')?.environment ?? {},
    })
    closers.add(() => conductor.end('SIGKILL'))
    await Promise.all([conductor, ...control.map(name => cloud.service[name])].map(process => process.start()))
    targets.push(targetOf(conductor), targetOf(cloud.service['nova-scheduler']))
    const ports = Object.values(builtIn.urls).map(url => Number(new URL(url).port))
    await cable?.share(ports, builtIn.folder)
    for (let i = 1; i <= hostCount; i++) {
      const host = `host-${i}`
      const folder = join(builtIn.folder, host)
      mkdirSync(folder)
      const config = readFileSync(cloud.configFile, 'utf8')
        .replace('host = host-1', `host = ${host}`)
        .replace(`state_path = ${builtIn.folder}\n`, `state_path = ${folder}\n`)
      const far = host === farHost ? surroundings : undefined
      const farUrl = `rabbit://nova:secret@${far?.cable.address}:${far?.engines.broker.tlsPort}/`
      const file = join(folder, 'nova.conf')
      writeFileSync(
        file,
        far === undefined ? config : config.replace(/transport_url = .*/, `transport_url = ${farUrl}`),
      )
      const place = far === undefined ? {} : { within: far.cable.within, env: clockOf(host)?.environment ?? {} }
      const process = new ServiceProcess('nova-compute', file, folder, place)
      closers.add(() => process.end('SIGKILL'))
      await process.start()
      targets.push(targetOf(process, host))
      if (far !== undefined) targets.push(cutCable(far.cable, host))
      hosts.push(filesOf(host, folder))
    }
  } catch (error) {
    await closers.close()
    throw error
  }
  const { target, client } = await openApi(cloud)
  targets.push(target)
  const database = engines?.databaseUrl ?? `sqlite:///${join(builtIn.folder, 'nova.sqlite')}`
  const look = async () => simulatedHosts(hosts)
  const close = async (keepsFiles = false) => {
    if (keepsFiles) keepFiles(builtIn.folder)
    await closers.close()
  }
  return { client, targets, hostCount, look, databases: [database], folder: builtIn.folder, close }
}
