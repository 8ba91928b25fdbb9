import type { GuestSpec } from '../../guest-spec.ts'
import { positiveInteger } from './properties.ts'

export interface CpuTopology {
  readonly sockets: number
  readonly cores: number
  readonly threads: number
}

export type TopologyWish = { readonly [K in keyof CpuTopology]?: number | undefined }

const dimensions = ['sockets', 'cores', 'threads'] as const

/** Every topology that multiplies to exactly `vcpus` within the limits. */
function possible(vcpus: number, maximum: TopologyWish): readonly CpuTopology[] {
  const all: CpuTopology[] = []
  for (let sockets = 1; sockets <= vcpus; sockets++) {
    for (let cores = 1; cores <= vcpus / sockets; cores++) {
      const threads = vcpus / (sockets * cores)
      if (Number.isInteger(threads)) all.push({ sockets, cores, threads })
    }
  }
  return all.filter(t => dimensions.every(d => t[d] <= (maximum[d] ?? 65_536)))
}

/**
 * The topology within the limits that meets as many wishes as possible, and else prefers sockets over cores over threads, as
 * Nova does. Undefined: the limits leave none.
 */
export function chooseTopology(vcpus: number, preferred: TopologyWish, maximum: TopologyWish): CpuTopology | undefined {
  const met = (t: CpuTopology) => dimensions.filter(d => t[d] === preferred[d]).length
  return possible(vcpus, maximum).toSorted(
    (a, b) => met(b) - met(a) || a.threads - b.threads || b.sockets - a.sockets,
  )[0]
}

type Named = (name: string) => string | undefined

const read = (named: Named, max: '' | 'max_'): TopologyWish =>
  Object.fromEntries(dimensions.map(d => [d, positiveInteger(named(`cpu_${max}${d}`))]))

const isEmpty = (wish: TopologyWish): boolean => dimensions.every(d => wish[d] === undefined)

/**
 * What flavor and image ask for. The image may lower the flavor's limits. One wish of the image puts all wishes of the
 * flavor aside, and so does a limit that they exceed.
 */
export function topologyWishes(spec: GuestSpec): { readonly preferred: TopologyWish; readonly maximum: TopologyWish } {
  const flavor: Named = name => spec.flavor.extraSpecs[`hw:${name}`]
  const image: Named = name => spec.image.properties[`hw_${name}`]
  const [flavorMax, imageMax] = [read(flavor, 'max_'), read(image, 'max_')]
  const maximum = Object.fromEntries(dimensions.map(d => [d, imageMax[d] ?? flavorMax[d]])) as TopologyWish
  const [flavorWish, imageWish] = [read(flavor, ''), read(image, '')]
  if (!isEmpty(imageWish)) return { preferred: imageWish, maximum }
  const isBeyond = dimensions.some(d => (flavorWish[d] ?? 0) > (maximum[d] ?? 65_536))
  return { preferred: isBeyond ? {} : flavorWish, maximum }
}

export function topologyOf(spec: GuestSpec): CpuTopology | undefined {
  const { preferred, maximum } = topologyWishes(spec)
  return chooseTopology(spec.flavor.vcpus, preferred, maximum)
}
