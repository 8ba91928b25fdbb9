import { stat } from 'node:fs/promises'
import type { InstanceId } from '#base'
import { type Diagnostics, type PowerState, power } from '../../driver.ts'
import { GuestNotFound } from '../../faults.ts'
import { powerOfGuest } from '../daemon/daemon-calls.ts'
import { domainById, procedures, type TypedParams } from '../rpc/index.ts'
import { nodeAt, nodesAt, parseXml } from '../xml-tree.ts'
import type { GuestContext } from './guest-context.ts'

/** virDomainStatsTypes: state, balloon, vcpu, interface, block. */
const wantedStats = 1 | 4 | 8 | 16 | 32

const stateNames: Record<PowerState, Diagnostics['state']> = {
  [power.noState]: 'pending',
  [power.running]: 'running',
  [power.paused]: 'paused',
  [power.shutdown]: 'shutdown',
  [power.crashed]: 'crashed',
  [power.suspended]: 'suspended',
}

export async function diagnosticsOf(context: GuestContext, id: InstanceId): Promise<Diagnostics> {
  const { client, host, files, clock } = context
  const domain = domainById(id)
  const [stats] = await client.call(procedures.stats, { domains: [domain], stats: wantedStats, flags: 0 }, 'long')
  if (stats === undefined) throw GuestNotFound({ id })
  const { params } = stats
  const count = (name: string) => Number(params.get(name) ?? 0)
  const now = await powerOfGuest(client, domain, { state: count('state.state'), reason: count('state.reason') })
  const isUp = now === power.running || now === power.paused
  const macs = macByDevice(await client.call(procedures.xml, { domain, flags: 0 }))
  const startedMs = (await stat(files.definition(id)).catch(() => undefined))?.mtimeMs
  const uptimeMs = isUp && startedMs !== undefined ? Math.max(0, clock.now() - startedMs) : null
  const vcpus = isUp ? numbered(params, 'vcpu', 'current') : []
  const times = vcpus.map(i => count(`vcpu.${i}.time`))
  const shares = isUp ? context.processorUse.shares(id, { atMs: clock.now(), times, uptimeMs }) : []
  return {
    state: stateNames[now],
    driver: 'libvirt',
    hypervisor: host.virtType,
    hypervisorOs: 'linux',
    uptimeSeconds: uptimeMs === null ? null : Math.floor(uptimeMs / 1000),
    configDrive: await files.hasConfigDrive(id),
    cpus: vcpus.map((cpu, i) => ({ id: cpu, timeNs: times[i] ?? 0, utilisation: shares[i] ?? null })),
    nics: numbered(params, 'net').map(i => ({
      mac: macs.get(String(params.get(`net.${i}.name`))) ?? '',
      rxOctets: count(`net.${i}.rx.bytes`),
      rxErrors: count(`net.${i}.rx.errs`),
      rxDrop: count(`net.${i}.rx.drop`),
      rxPackets: count(`net.${i}.rx.pkts`),
      txOctets: count(`net.${i}.tx.bytes`),
      txErrors: count(`net.${i}.tx.errs`),
      txDrop: count(`net.${i}.tx.drop`),
      txPackets: count(`net.${i}.tx.pkts`),
    })),
    disks: numbered(params, 'block').map(i => ({
      device: String(params.get(`block.${i}.name`) ?? ''),
      readBytes: count(`block.${i}.rd.bytes`),
      readRequests: count(`block.${i}.rd.reqs`),
      writeBytes: count(`block.${i}.wr.bytes`),
      writeRequests: count(`block.${i}.wr.reqs`),
      errors: count(`block.${i}.errors`),
    })),
    memory: {
      maximumMiB: kibToMiB(count('balloon.maximum')),
      usedMiB: kibToMiB(count('balloon.current')),
      ...(isUp ? { balloon: balloonStats(params) } : {}),
    },
  }
}

/** Under the names that the memory statistics of a domain have; the period of nova.conf says how old they may be. */
const balloonStats = (params: TypedParams): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...params].flatMap(([name, value]) => {
      const key = /^balloon\.(.+)$/.exec(name)?.[1]
      if (key === undefined || key === 'maximum' || typeof value !== 'number') return []
      return [[key === 'current' ? 'actual' : key.replaceAll('-', '_'), value]]
    }),
  )

const kibToMiB = (kib: number): number => Math.floor(kib / 1024)

const numbered = (params: TypedParams, prefix: string, counter = 'count'): number[] =>
  Array.from({ length: Number(params.get(`${prefix}.${counter}`) ?? 0) }, (_, i) => i)

const macByDevice = (domainXml: string): Map<string, string> =>
  new Map(
    nodesAt(parseXml(domainXml), 'devices', 'interface').map(nic => [
      nodeAt(nic, 'target')?.attributes.dev ?? '',
      nodeAt(nic, 'mac')?.attributes.address ?? '',
    ]),
  )
