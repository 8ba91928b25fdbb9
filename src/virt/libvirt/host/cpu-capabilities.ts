import { declareFault } from '#base'
import type { CpuFeatures, CpuMode, DomainSettings, VirtType } from '../domain/index.ts'
import type { LibvirtClient } from '../rpc/index.ts'
import type { HostCapabilities } from './host-capabilities.ts'
import { expandedFeatures } from './host-capabilities.ts'

export const CpuOptionsInvalid = declareFault('InvalidCPUInfo', 'final', (p: { reason: string }) => p.reason)

/** What QEMU gives a guest that names no model. */
const modelOfQemu = 'qemu64'

export type WantedCpu = 'auto' | { readonly mode: CpuMode['mode'] }

/** How guests of this host get their processor: what nova.conf asks for, checked against what libvirt knows. */
export function chooseCpu(
  wanted: WantedCpu,
  settings: DomainSettings,
  virtType: VirtType,
  capabilities: HostCapabilities,
): { readonly cpu: CpuMode; readonly models: readonly string[] } {
  if (wanted === 'auto') {
    // Without KVM there is no host processor to show, and QEMU's own default is the quickest to emulate.
    const isPlain = virtType === 'qemu' && settings.cpuExtraFlags.length === 0 && settings.cpuModels.length === 0
    return chooseCpu({ mode: isPlain ? 'none' : 'host-model' }, settings, virtType, capabilities)
  }
  const { mode } = wanted
  if (mode !== 'custom') {
    if (settings.cpuModels.length > 0)
      throw CpuOptionsInvalid({ reason: 'The cpu_models option is not required when cpu_mode!=custom' })
    return { cpu: { mode }, models: [] }
  }
  const models = settings.cpuModels.map(name => modelNamed(name, capabilities.cpuModels))
  const [model] = models
  if (model === undefined) throw CpuOptionsInvalid({ reason: 'The cpu_models option is required when cpu_mode=custom' })
  return { cpu: { mode, model }, models }
}

/** Operators write `haswell`, libvirt `Haswell`. */
function modelNamed(name: string, known: readonly string[]): string {
  const found = known.find(model => model.toLowerCase() === name.toLowerCase())
  if (found !== undefined) return found
  throw CpuOptionsInvalid({
    reason:
      `Configured CPU model: ${name} is not correct, or your host CPU arch does not support this model. ` +
      'Please correct your config and try again.',
  })
}

/** The features behind the modes and models, asked of libvirt once. */
export async function cpuFeaturesOf(
  client: LibvirtClient,
  virtType: VirtType,
  chosen: { readonly cpu: CpuMode; readonly models: readonly string[] },
  capabilities: HostCapabilities,
): Promise<CpuFeatures> {
  const byModel: Record<string, readonly string[]> = {}
  for (const model of chosen.models) byModel[model] = await expandedFeatures(client, virtType, model)
  const most = capabilities.guestCpuFeatures
  const usual = chosen.cpu.mode === 'none' ? await expandedFeatures(client, virtType, modelOfQemu) : most
  return { usual, most, byModel }
}

/** What guests of this host may require; flags of nova.conf are counted as the guests get them. */
export function offeredFeatures(
  { cpu, models }: { cpu: CpuMode; models: readonly string[] },
  features: CpuFeatures,
  flags: readonly string[],
): readonly string[] {
  const base = cpu.mode === 'custom' ? models.flatMap(model => features.byModel[model] ?? []) : features.most
  const lower = flags.map(flag => flag.toLowerCase())
  const removed = new Set(lower.filter(flag => flag.startsWith('-')).map(flag => flag.slice(1)))
  const added = lower.filter(flag => !flag.startsWith('-')).map(flag => flag.replace(/^\+/, ''))
  return [...new Set([...base, ...(cpu.mode === 'none' ? [] : added)])].filter(
    feature => cpu.mode === 'none' || !removed.has(feature),
  )
}
