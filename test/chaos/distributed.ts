import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Closers } from '#base'
import type { Engines } from '../bin/engines.ts'
import { ServiceProcess, startCloud } from '../bin/processes.ts'
import { adminPassword } from '../cloud/neighbours.ts'
import { type Arena, impatience, type Target } from './arena.ts'
import { Client } from './client.ts'
import { filesOf, type HostFiles, simulatedHosts } from './simulated-hosts.ts'

const targetOf = (process: ServiceProcess, host?: string): Target => ({
  name: host === undefined ? process.name : `${process.name} of ${host}`,
  ...(host === undefined ? {} : { host }),
  kill: async () => void (await process.end('SIGKILL')),
  start: () => process.start(),
})

const targetsOf = ({ broker, database }: Engines): Target[] => [
  { name: 'RabbitMQ', kill: () => broker.kill(), start: () => broker.run() },
  { name: 'MariaDB', kill: () => database.kill(), start: () => database.start() },
]

/** No sockets. */
const isPlain = (path: string): boolean => statSync(path).isFile() || statSync(path).isDirectory()

/**
 * Each Nova service a process of its own, several hosts; the neighbours live here and do not die. `engines`: on MariaDB and
 * RabbitMQ, which are killed too, in place of a file and sockets.
 */
export async function distributedArena(hostCount: number, engines?: Engines): Promise<Arena> {
  const closers = new Closers()
  if (engines !== undefined) closers.add(() => engines.close())
  const control = ['nova-conductor', 'nova-scheduler', 'nova-api-os-compute'] as const
  const bus = engines === undefined ? undefined : { url: engines.broker.url() }
  const cloud = await startCloud([], impatience, bus, engines?.databaseUrl)
  closers.add(() => cloud.close())
  const { builtIn } = cloud
  const targets: Target[] = engines === undefined ? [] : targetsOf(engines)
  const hosts: HostFiles[] = []
  try {
    await Promise.all(control.map(name => cloud.service[name].start()))
    targets.push(targetOf(cloud.service['nova-conductor']), targetOf(cloud.service['nova-scheduler']))
    for (let i = 1; i <= hostCount; i++) {
      const host = `host-${i}`
      const folder = join(builtIn.folder, host)
      mkdirSync(folder)
      const config = readFileSync(cloud.configFile, 'utf8')
        .replace('host = host-1', `host = ${host}`)
        .replace(`state_path = ${builtIn.folder}\n`, `state_path = ${folder}\n`)
      writeFileSync(join(folder, 'nova.conf'), config)
      const process = new ServiceProcess('nova-compute', join(folder, 'nova.conf'), folder)
      closers.add(() => process.end('SIGKILL'))
      await process.start()
      targets.push(targetOf(process, host))
      hosts.push(filesOf(host, folder))
    }
  } catch (error) {
    await closers.close()
    throw error
  }
  // It listens on another port in each life.
  const api = cloud.service['nova-api-os-compute']
  let port = api.port('nova-api-os-compute')
  const apiTarget: Target = {
    ...targetOf(api),
    start: async () => {
      await api.start()
      port = api.port('nova-api-os-compute')
    },
  }
  targets.push(apiTarget)
  const urls = () => ({ ...builtIn.urls, compute: `http://127.0.0.1:${port}/v2.1` })
  const client = new Client(urls, adminPassword)
  await client.login()
  const database = engines?.databaseUrl ?? `sqlite:///${join(builtIn.folder, 'nova.sqlite')}`
  const look = async () => simulatedHosts(hosts)
  const close = async (keepsFiles = false) => {
    if (keepsFiles) cpSync(builtIn.folder, `${builtIn.folder}.kept`, { recursive: true, filter: isPlain })
    await closers.close()
  }
  return { client, targets, hostCount, look, database, folder: builtIn.folder, close }
}
