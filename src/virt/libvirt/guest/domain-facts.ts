import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#base'
import { type CpuMode, type DomainHost, type DomainSettings, defaultSettings, type VirtType } from '../domain/index.ts'
import { chooseCpu, cpuFeaturesOf, offeredFeatures, type WantedCpu } from '../host/cpu-capabilities.ts'
import { readLoaders } from '../host/firmware-descriptors.ts'
import type { HostCapabilities } from '../host/host-capabilities.ts'
import type { LibvirtClient } from '../rpc/index.ts'

export type WantedSettings = Partial<Omit<DomainSettings, 'machineSerial'>> & {
  /** Nova's words for it: none, os, hardware, auto, unique. */
  readonly machineSerial?: string
}

export interface WantedDomains {
  readonly settings: WantedSettings
  readonly cpu: WantedCpu
  /** False where the daemon was told to leave cgroups alone. */
  readonly mayLimitCpu: boolean
}

/** What definitions need of the host and its nova.conf, beside paths and disks. */
export type DomainFacts = Pick<
  DomainHost,
  | 'settings'
  | 'emulators'
  | 'cpuFeatures'
  | 'loaders'
  | 'canLimitCpu'
  | 'cpuShares'
  | 'sev'
  | 'libvirtVersion'
  | 'serialPorts'
> & {
  readonly virtType: VirtType
  readonly cpuMode: CpuMode
  /** Features that a guest of this host may require. */
  readonly offeredFeatures: readonly string[]
}

export async function domainFacts(
  client: LibvirtClient,
  wanted: WantedDomains,
  virtType: VirtType,
  capabilities: HostCapabilities,
  log: Log,
): Promise<DomainFacts> {
  const machineSerial = await serialOf(wanted.settings.machineSerial ?? 'unique', capabilities.hostUuid)
  const asked: DomainSettings = { ...defaultSettings, ...wanted.settings, machineSerial }
  const chosen = chooseCpu(wanted.cpu, asked, virtType, capabilities)
  const features = await cpuFeaturesOf(client, virtType, chosen, capabilities)
  return {
    settings: { ...asked, cpuModels: chosen.models },
    emulators: capabilities.emulators,
    virtType,
    cpuMode: chosen.cpu,
    cpuFeatures: features,
    offeredFeatures: offeredFeatures(chosen, features, asked.cpuExtraFlags),
    loaders: await readLoaders(log),
    ...cpuLimits(wanted.mayLimitCpu ? cpuControllerVersion() : undefined),
    ...(capabilities.sev === undefined ? {} : { sev: capabilities.sev }),
    libvirtVersion: capabilities.libvirtVersion,
    serialPorts: [],
  }
}

const machineIdFile = '/etc/machine-id'

/** `auto`: that of the operating system, or of the board where there is none. */
async function serialOf(source: string, hostUuid: string): Promise<DomainSettings['machineSerial']> {
  if (source === 'unique') return 'unique'
  const hardware = hostUuid === '' ? null : { of: hostUuid }
  if (source === 'hardware') return hardware
  if (source === 'none') return null
  const digits = (await readFile(machineIdFile, 'utf8').catch(() => '')).trim()
  if (!/^[0-9a-f]{32}$/i.test(digits)) return source === 'auto' ? hardware : null
  return { of: digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') }
}

/** cpu.weight, which libvirt sets to the shares as they are. */
const weights = { least: 1, most: 10_000 }

/** What guests can be given of the processors; `version` of the kernel's control groups. */
export const cpuLimits = (version: 1 | 2 | undefined): Pick<DomainHost, 'canLimitCpu' | 'cpuShares'> => ({
  canLimitCpu: version !== undefined,
  ...(version === 2 ? { cpuShares: weights } : {}),
})

/** In which of its versions the kernel's CPU controller is there for the hypervisor to use. */
export function cpuControllerVersion(mounts = readFileSync('/proc/self/mounts', 'utf8')): 1 | 2 | undefined {
  const entries = mounts.split('\n').map(line => line.split(' '))
  if (entries.some(([, , type, flags]) => type === 'cgroup' && (flags ?? '').split(',').includes('cpu'))) return 1
  const unified = entries.find(([, , type]) => type === 'cgroup2')?.[1]
  if (unified === undefined) return undefined
  return readFileSync(join(unified, 'cgroup.controllers'), 'utf8').trim().split(' ').includes('cpu') ? 2 : undefined
}
