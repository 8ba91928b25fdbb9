import type { MachineCell } from '#model'
import type { Emulator, SevSupport, VirtType } from '../domain/index.ts'
import { isLibvirtError, type LibvirtClient, procedures } from '../rpc/index.ts'
import { nodeAt, nodesAt, parseXml, renderNode, textAt, type XmlNode } from '../xml-tree.ts'
import { hostCells } from './host-cells.ts'

/** What libvirt says about this host, read once. */
export interface HostCapabilities {
  readonly hypervisorVersion: number
  readonly libvirtVersion: number
  readonly hostname: string
  readonly hostUuid: string
  readonly architecture: string
  readonly emulator: string
  readonly emulators: Readonly<Record<string, Emulator>>
  readonly cpu: HostCpu
  /** NUMA nodes of the host. */
  readonly cells: readonly MachineCell[]
  /** Features a guest can have, for traits. */
  readonly guestCpuFeatures: readonly string[]
  /** Models that `cpu_models` may name. */
  readonly cpuModels: readonly string[]
  readonly diskBuses: readonly string[]
  readonly videoModels: readonly string[]
  readonly canMaximumCpu: boolean
  /** libvirt was built with emulated TPMs and finds swtpm. */
  readonly canEmulateTpm: boolean
  /** Absent: the processor encrypts no memory of guests. */
  readonly sev?: SevSupport
  /** [architecture, hypervisor, mode] */
  readonly guests: readonly (readonly [string, string, string])[]
}

export interface HostCpu {
  readonly arch: string
  readonly model: string
  readonly vendor: string
  readonly topology: {
    readonly cells: number
    readonly sockets: number
    readonly cores: number
    readonly threads: number
  }
  readonly features: readonly string[]
}

export const emulatedArchitecture = 'x86_64'

export async function readCapabilities(client: LibvirtClient, virtType: VirtType): Promise<HostCapabilities> {
  const host = parseXml(await client.call(procedures.capabilities, undefined, 'long'))
  const domain = parseXml(
    await client.call(procedures.domainCapabilities, { arch: emulatedArchitecture, virtType }, 'long'),
  )
  const modes = nodesAt(domain, 'cpu', 'mode')
  const hostModel = modes.find(mode => mode.attributes.name === 'host-model' && mode.attributes.supported === 'yes')
  return {
    hypervisorVersion: await client.call(procedures.version, undefined),
    libvirtVersion: await client.call(procedures.libVersion, undefined),
    hostname: await client.call(procedures.hostname, undefined),
    hostUuid: textAt(host, 'host', 'uuid') ?? '',
    architecture: textAt(host, 'host', 'cpu', 'arch') ?? emulatedArchitecture,
    emulator: textAt(domain, 'path') ?? '/usr/bin/qemu-system-x86_64',
    emulators: emulatorsOf(host),
    cpu: hostCpu(host),
    cells: hostCells(host),
    guestCpuFeatures: hostModel === undefined ? [] : await featuresOfMode(client, virtType, hostModel),
    cpuModels: modes
      .filter(mode => mode.attributes.name === 'custom')
      .flatMap(mode => nodesAt(mode, 'model').map(model => model.text.trim())),
    diskBuses: enumAt(domain, 'disk', 'bus'),
    videoModels: enumAt(domain, 'video', 'modelType'),
    canEmulateTpm: enumAt(domain, 'tpm', 'backendModel').includes('emulator'),
    ...sevOf(domain),
    canMaximumCpu: modes.some(mode => mode.attributes.name === 'maximum' && mode.attributes.supported === 'yes'),
    guests: guestKinds(host, virtType),
  }
}

/** libvirt 8.0 and later tells how many guests there may be. */
export function sevOf(domain: XmlNode): Pick<HostCapabilities, 'sev'> {
  const sev = nodeAt(domain, 'features', 'sev')
  if (sev?.attributes.supported !== 'yes') return {}
  const number = (name: string) => Number(textAt(sev, name) ?? 0)
  return {
    sev: {
      cBitPosition: number('cbitpos'),
      reducedPhysBits: number('reducedPhysBits'),
      mostGuests: number('maxGuests'),
      mostEsGuests: number('maxESGuests'),
    },
  }
}

function hostCpu(host: XmlNode): HostCpu {
  const cpu = nodeAt(host, 'host', 'cpu')
  const topology = cpu === undefined ? undefined : nodeAt(cpu, 'topology')
  const count = (name: string) => Number(topology?.attributes[name] ?? 1)
  return {
    arch: textAt(host, 'host', 'cpu', 'arch') ?? emulatedArchitecture,
    model: textAt(host, 'host', 'cpu', 'model') ?? 'unknown',
    vendor: textAt(host, 'host', 'cpu', 'vendor') ?? 'unknown',
    topology: {
      cells: Math.max(1, nodesAt(host, 'host', 'topology', 'cells', 'cell').length),
      sockets: count('sockets'),
      cores: count('cores'),
      threads: count('threads'),
    },
    features: nodesAt(host, 'host', 'cpu', 'feature').map(feature => feature.attributes.name ?? ''),
  }
}

const enumAt = (domain: XmlNode, device: string, name: string): readonly string[] =>
  nodesAt(domain, 'devices', device, 'enum')
    .filter(node => node.attributes.name === name)
    .flatMap(node => node.children.map(value => value.text.trim()))

const expandFeatures = 1

/** A CPU model stands for a set of features; libvirt spells them out. */
async function featuresOfMode(
  client: LibvirtClient,
  virtType: VirtType,
  hostModel: XmlNode,
): Promise<readonly string[]> {
  try {
    return await expanded(client, virtType, hostModel.children)
  } catch (error) {
    // Traits are then fewer; nothing else depends on them.
    if (isLibvirtError(error)) return offered(hostModel)
    throw error
  }
}

/** The same of a model by its name; none where libvirt cannot tell. */
export async function expandedFeatures(
  client: LibvirtClient,
  virtType: VirtType,
  model: string,
): Promise<readonly string[]> {
  try {
    return await expanded(client, virtType, [{ name: 'model', attributes: {}, children: [], text: model }])
  } catch (error) {
    if (isLibvirtError(error)) return []
    throw error
  }
}

async function expanded(
  client: LibvirtClient,
  virtType: VirtType,
  children: readonly XmlNode[],
): Promise<readonly string[]> {
  const cpu = renderNode({ name: 'cpu', attributes: {}, text: '', children: [archNode, ...children] })
  const args = { arch: emulatedArchitecture, virtType, cpus: [cpu], flags: expandFeatures }
  return offered(parseXml(await client.call(procedures.baselineCpu, args, 'long')))
}

const offered = (cpu: XmlNode): readonly string[] =>
  nodesAt(cpu, 'feature')
    .filter(isOffered)
    .map(feature => feature.attributes.name ?? '')

const archNode: XmlNode = { name: 'arch', attributes: {}, children: [], text: emulatedArchitecture }
const isOffered = (feature: XmlNode): boolean => feature.attributes.policy !== 'disable'

/** KVM counts only where we use it: libvirt lists it wherever /dev/kvm exists. */
const guestKinds = (host: XmlNode, virtType: VirtType): (readonly [string, string, string])[] =>
  nodesAt(host, 'guest').flatMap(guest => {
    const arch = nodeAt(guest, 'arch')
    const kinds = arch === undefined ? [] : nodesAt(arch, 'domain').map(domain => domain.attributes.type ?? '')
    return kinds
      .filter(kind => kind !== 'kvm' || virtType === 'kvm')
      .map(kind => [arch?.attributes.name ?? '', kind, textAt(guest, 'os_type') ?? 'hvm'] as const)
  })

/** Every architecture that this host has an emulator for, with the machines it knows. */
function emulatorsOf(host: XmlNode): Readonly<Record<string, Emulator>> {
  const found: Record<string, Emulator> = {}
  for (const arch of nodesAt(host, 'guest', 'arch')) {
    const { name } = arch.attributes
    const path = textAt(arch, 'emulator')
    if (name === undefined || path === undefined) continue
    const machines = nodesAt(arch, 'machine').flatMap(machine => {
      const { canonical } = machine.attributes
      const known = machine.text.trim()
      return [
        [known, canonical ?? known] as const,
        ...(canonical === undefined ? [] : [[canonical, canonical] as const]),
      ]
    })
    found[name] = { path, machines: Object.fromEntries(machines) }
  }
  return found
}
