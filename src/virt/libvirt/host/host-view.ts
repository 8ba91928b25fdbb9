import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { cpus, loadavg, networkInterfaces, uptime } from 'node:os'
import type { Clock } from '#base'
import type { PciFunction } from '#model'
import type { HostDescription, HostView, ProcessorTimes } from '../../driver.ts'
import { uptimeText } from '../../uptime-text.ts'
import type { SevSupport } from '../domain/index.ts'
import type { HostCapabilities } from './host-capabilities.ts'
import { processorTimes } from './processor-times.ts'
import { hostTraits, type TraitFacets, type TraitFacts } from './traits.ts'

/** Everything libvirt said at the start, with what nova.conf makes of it. */
export type HostFacts = HostCapabilities & TraitFacts

export interface HostViewOptions {
  readonly capabilities: HostFacts
  readonly hypervisorType: string
  readonly hypervisorHostname: string
  readonly instancesPath: string
  readonly hostIp: string | undefined
  readonly clock: Clock
  /** `[libvirt] num_memory_encrypted_guests`: how many guests with encrypted memory there may be; null: what libvirt says. */
  readonly mostEncryptedGuests?: number | null
  /** PCI devices that libvirt finds now. */
  readonly pciFunctions: () => Promise<readonly PciFunction[]>
}

const bytesPerGiB = 1024 ** 3

/** This machine as nova-compute reports it: what libvirt said at the start, and memory, disk and load of the moment. */
export class LibvirtHostView implements HostView {
  readonly #options: HostViewOptions
  #facets: TraitFacets = {}

  constructor(options: HostViewOptions) {
    this.#options = options
  }

  /** What is told of the driver follows from the parts it has. */
  of(driver: TraitFacets): this {
    this.#facets = driver
    return this
  }

  async describe(): Promise<HostDescription> {
    const { capabilities, hypervisorHostname, hypervisorType, instancesPath, hostIp, clock } = this.#options
    const memory = readMemory(readFileSync('/proc/meminfo', 'utf8'))
    const disk = await statfs(instancesPath)
    const gib = (blocks: number) => Math.floor((blocks * disk.bsize) / bytesPerGiB)
    return {
      hypervisorHostname,
      hypervisorType,
      hypervisorVersion: capabilities.hypervisorVersion,
      vcpus: cpus().length,
      ...memory,
      localDiskGiB: gib(disk.blocks),
      localDiskUsedGiB: gib(disk.blocks - disk.bfree),
      localDiskFreeGiB: gib(disk.bavail),
      cpuInfo: { ...capabilities.cpu },
      supportedInstances: capabilities.guests,
      traits: hostTraits(capabilities, this.#facets),
      hostIp: hostIp ?? firstAddress(),
      uptime: uptimeText(clock.now(), uptime(), loadavg()),
      extraInventories: encryptionContexts(capabilities.sev, this.#options.mostEncryptedGuests ?? null),
      cells: capabilities.cells,
      pciFunctions: await this.#options.pciFunctions(),
    }
  }

  async processorTimes(): Promise<ProcessorTimes> {
    return processorTimes(readFileSync('/proc/stat', 'utf8'), readFileSync('/proc/cpuinfo', 'utf8'))
  }
}

/** What a field of Nova's database can hold: no bound but that. */
const unbounded = 2 ** 31 - 1

/** A guest with encrypted memory takes a key of the processor; there are few. */
export function encryptionContexts(
  sev: SevSupport | undefined,
  most: number | null,
): HostDescription['extraInventories'] {
  const total = sev === undefined ? 0 : (most ?? (sev.mostGuests || unbounded))
  if (total === 0) return {}
  const one = { reserved: 0, minUnit: 1, maxUnit: 1, stepSize: 1, allocationRatio: 1 }
  return { MEM_ENCRYPTION_CONTEXT: { total, ...one } }
}

/** Used as Nova counts it: buffers and caches are free. */
export function readMemory(meminfo: string): { memoryMiB: number; memoryUsedMiB: number } {
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0)
  const free = kib('MemFree') + kib('Buffers') + kib('Cached')
  return { memoryMiB: Math.floor(kib('MemTotal') / 1024), memoryUsedMiB: Math.floor((kib('MemTotal') - free) / 1024) }
}

export const firstAddress = (): string =>
  Object.values(networkInterfaces())
    .flat()
    .find(address => address?.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1'
