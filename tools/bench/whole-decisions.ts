import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type InstanceId, instanceId, newUuid, silentLog, systemClock } from '#base'
import { openPlacementPort } from '#placement'
import {
  aFlavor,
  anImage,
  aSpec,
  createScheduler,
  type Scheduler,
  schedulerOptions,
  storeClaims,
  storeHosts,
} from '#scheduler'
import { openStore, type Store } from '#store'
import { figure, percentile, type Row } from './figures.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { Undo } from './undo.ts'

const group = 'scheduler'
const ratios = { cpuAllocationRatio: 4, ramAllocationRatio: 1, diskAllocationRatio: 1 }
/** No service is declared dead by a machine that is slow to fill the database. */
const serviceDownTimeMs = 3_600_000

const describe = (host: string) => ({
  hypervisorHostname: host,
  hypervisorType: 'QEMU',
  hypervisorVersion: 8_002_000,
  vcpus: 64,
  memoryMiB: 262_144,
  memoryUsedMiB: 0,
  localDiskGiB: 4000,
  localDiskUsedGiB: 0,
  localDiskFreeGiB: 4000,
  cpuInfo: { arch: 'x86_64', model: 'host', vendor: 'Intel', features: ['avx', 'avx2', 'aes'] },
  supportedInstances: [['x86_64', 'qemu', 'hvm']] as const,
  traits: [],
  hostIp: '127.0.0.1',
  uptime: null,
})

const stock = (total: number, allocationRatio = 1) => ({
  total,
  reserved: 0,
  minUnit: 1,
  maxUnit: total,
  stepSize: 1,
  allocationRatio,
})

type Ports = Pick<Awaited<ReturnType<typeof openPlacementPort>>, 'port'>

/** Three zones, and a rack for every forty hosts. */
async function furnish(store: Store, { port }: Ports, count: number): Promise<void> {
  const now = systemClock.now()
  const names = Array.from({ length: count }, (_, number) => `host-${number}`)
  const groups = new Map<string, string[]>()
  names.forEach((host, number) => {
    for (const name of [`zone${number % 3}`, `rack${Math.floor(number / 40)}`])
      groups.set(name, groups.get(name)?.concat(host) ?? [host])
  })
  const ids = new Map(names.map(host => [host, newUuid()]))
  await store.transaction(async tx => {
    for (const [host, uuid] of ids) {
      await tx.services.register({ host, binary: 'nova-compute', topic: 'compute', version: 1 }, now)
      await tx.computeNodes.save({ uuid, host, description: describe(host), ...ratios }, now)
    }
    const numbers = new Map<string, number>()
    for (const name of groups.keys()) {
      const made = await tx.aggregates.create(name, name.startsWith('zone') ? name : null, now)
      numbers.set(name, made?.id ?? 0)
    }
    for (const [name, hosts] of groups)
      for (const host of hosts) await tx.aggregates.addHost(numbers.get(name) ?? 0, host)
  })
  for (const [host, id] of ids) {
    await port.ensureProvider({ id, name: host })
    await port.setInventories(id, { VCPU: stock(64, 4), MEMORY_MB: stock(262_144), DISK_GB: stock(4000) })
    await port.setTraits(id, ['COMPUTE_IMAGE_TYPE_QCOW2', 'HW_CPU_X86_AVX2', 'OWNER_NOVA'])
  }
}

interface Times {
  readonly wallMs: readonly number[]
  readonly cpuMs: number
}

async function decide(scheduler: Scheduler, rounds: number): Promise<Times> {
  const spec = aSpec({
    flavor: aFlavor({ vcpus: 2 }),
    image: anImage({ hw_architecture: 'x86_64', hw_vm_mode: 'hvm' }),
  })
  const wallMs: number[] = []
  const warmUp = Math.min(rounds, 100)
  let before = process.cpuUsage()
  for (let round = 0; round < warmUp + rounds; round++) {
    if (round === warmUp) before = process.cpuUsage()
    const id: InstanceId = instanceId(newUuid())
    const start = performance.now()
    const { ok } = await scheduler.selectDestinations(spec, [id])
    if (round >= warmUp) wallMs.push(performance.now() - start)
    if (!ok) throw new Error('the bench found no host')
  }
  const { user, system } = process.cpuUsage(before)
  return { wallMs, cpuMs: (user + system) / 1000 / rounds }
}

async function measure(parent: string | undefined, undo: Undo, count: number, rounds: number): Promise<Times> {
  const folder = temporaryFolder(parent)
  undo.add(() => rmSync(folder, { recursive: true, force: true }))
  const store = await openStore(`sqlite:///${join(folder, 'nova.sqlite')}`)
  const common = { log: silentLog, clock: systemClock }
  const placement = await openPlacementPort({ databaseUrl: `sqlite:///${join(folder, 'placement.sqlite')}`, ...common })
  try {
    await furnish(store, placement, count)
    const scheduler = createScheduler({
      placement: placement.port,
      hosts: storeHosts(store, systemClock, { serviceDownTimeMs }),
      claims: storeClaims(store),
      // All hosts are looked at; the default takes the first thousand candidates.
      options: schedulerOptions({ scheduler: { max_placement_results: count } }),
      random: () => 0,
      ...common,
    })
    return await decide(scheduler, rounds)
  } finally {
    await placement.close()
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What p99 may be. */
const aims = new Map([
  [1000, 2],
  [10_000, 15],
])

/** Whole decisions, one after the other: databases read, placement asked, hosts filtered and weighed, the claim written. */
export async function measureWholeDecisions(
  options: { readonly undo: Undo; readonly parent: string | undefined },
  isQuick: boolean,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of (process.env.BC ?? '100,1000,10000').split(',').map(Number)) {
    const aimMs = aims.get(count)
    const { wallMs, cpuMs } = await measure(options.parent, options.undo, count, isQuick ? 100 : 400)
    const what = `whole decision with its claim among ${count} hosts`
    const p99 = percentile(wallMs, 0.99)
    rows.push(
      {
        group,
        what: `${what} (second column: p99)`,
        unit: 'ms',
        p50: percentile(wallMs, 0.5),
        p95: p99,
        ...(aimMs === undefined ? {} : { aim: { text: `p99 < ${aimMs} ms`, isMet: p99 < aimMs } }),
      },
      figure({ group, what: '  its CPU', unit: 'ms' }, cpuMs),
    )
  }
  return rows
}
