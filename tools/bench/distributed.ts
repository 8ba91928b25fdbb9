import { tmpdir } from 'node:os'
import { CloudUser } from '../../test/bin/cloud-user.ts'
import { startEngines } from '../../test/bin/engines.ts'
import { startCloud } from '../../test/bin/processes.ts'
import type { Broker } from '../../test/rabbit/broker.ts'
import { distribution, figure, type Row } from './figures.ts'
import { MariaObserver } from './maria-observer.ts'
import { childrenOf, cpuMsOf, residentMiBOf } from './process-figures.ts'
import { inParallel } from './servers.ts'
import type { Undo } from './undo.ts'

const group = 'distributed'
const services = ['nova-api-os-compute', 'nova-scheduler', 'nova-conductor', 'nova-compute'] as const
const loads = [
  { workers: 1, count: 40 },
  { workers: 10, count: 100 },
  { workers: 50, count: 200 },
] as const

interface Parts {
  readonly user: CloudUser
  readonly broker: Broker
  readonly observer: MariaObserver
  /** Process ids by who they are. */
  readonly processes: Readonly<Record<string, number>>
}

/** What all processes and servers have done so far. */
interface Counts {
  readonly cpuMs: Readonly<Record<string, number>>
  readonly statements: number
  readonly messages: number
}

async function open(undo: Undo, parent: string): Promise<Parts> {
  const engines = await startEngines({ parent, isDurable: true })
  undo.add(() => engines.close())
  const { broker, database, databaseUrl } = engines
  const cloud = await startCloud(services, '', { url: broker.url() }, databaseUrl)
  undo.add(() => cloud.close())
  const user = new CloudUser(cloud)
  await user.furnish()
  const observer = new MariaObserver(databaseUrl)
  undo.add(() => observer.close())
  const own = services.map(name => [name, cloud.service[name].pid] as const)
  const processes = { ...Object.fromEntries(own), MariaDB: database.pid, RabbitMQ: broker.pid }
  return { user, broker, observer, processes }
}

async function counts({ processes, broker, observer }: Parts): Promise<Counts> {
  const used = (pid: number) => [pid, ...childrenOf(pid)].reduce((sum, one) => sum + cpuMsOf(one), 0)
  return {
    cpuMs: Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, used(pid)])),
    statements: await observer.othersStatements(),
    messages: await broker.publishedMessages(),
  }
}

async function boot({ user, observer }: Parts, name: string): Promise<{ id: string; tookMs: number }> {
  const startedAt = performance.now()
  const id = await user.create(name)
  return { id, tookMs: (await observer.active(id)) - startedAt }
}

async function remove({ user, observer }: Parts, id: string): Promise<void> {
  await user.call('DELETE', `/servers/${id}`)
  await observer.gone(id)
}

async function boots(parts: Parts, workers: number, count: number): Promise<Row[]> {
  const before = await counts(parts)
  const startedAt = performance.now()
  const made = await inParallel(workers, count, n => boot(parts, `bench-${workers}-${n}`))
  const seconds = (performance.now() - startedAt) / 1000
  const after = await counts(parts)
  await inParallel(10, count, n => remove(parts, made[n]?.id ?? ''))
  const at = `${workers} at a time`
  const each = (what: string, unit: string, difference: number) =>
    figure({ group, what: `${what} per boot, ${at}`, unit }, difference / count)
  const cpu = Object.keys(after.cpuMs).map(
    name => [name, (after.cpuMs[name] ?? 0) - (before.cpuMs[name] ?? 0)] as const,
  )
  return [
    distribution(
      { group, what: `POST /servers to ACTIVE, ${at}`, unit: 'ms' },
      made.map(m => m.tookMs),
    ),
    figure({ group, what: `boots, ${at}`, unit: '/s' }, count / seconds),
    each(
      'CPU of all',
      'ms',
      cpu.reduce((sum, [, ms]) => sum + ms, 0),
    ),
    ...cpu.map(([name, ms]) => each(`  of ${name}`, 'ms', ms)),
    each('SQL statements', '', after.statements - before.statements),
    each('messages', '', after.messages - before.messages),
  ]
}

/**
 * Boots with every executable as a process of its own, on MariaDB and RabbitMQ. The neighbours (Keystone, Glance, Neutron,
 * Placement) are the built-in ones, in this process: their CPU and ours is none of the figures.
 */
export async function measureDistributed(
  { undo, parent }: { readonly undo: Undo; readonly parent?: string | undefined },
  isQuick: boolean,
): Promise<Row[]> {
  const parts = await open(undo, parent ?? tmpdir())
  // The first boots run uncompiled code.
  const warm = await inParallel(10, isQuick ? 20 : 100, n => boot(parts, `warm-${n}`))
  await inParallel(10, warm.length, n => remove(parts, warm[n]?.id ?? ''))
  const rows: Row[] = []
  for (const { workers, count } of loads)
    rows.push(...(await boots(parts, workers, isQuick ? Math.ceil(count / 4) : count)))
  const memory = services.map(name =>
    figure({ group, what: `memory of ${name}`, unit: 'MiB' }, residentMiBOf(parts.processes[name] ?? 0)),
  )
  return [...rows, ...memory]
}
