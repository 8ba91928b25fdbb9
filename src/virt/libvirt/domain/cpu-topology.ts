export interface CpuTopology {
  readonly sockets: number
  readonly cores: number
  readonly threads: number
}

export type TopologyWish = { readonly [K in keyof CpuTopology]?: number | undefined }

/**
 * The topology that multiplies to exactly `vcpus`, meets as many wishes as possible, and else prefers sockets over cores
 * over threads, as Nova does. Wishes that cannot all be met are dropped rather than refused: the API has refused the
 * impossible ones already.
 */
export function chooseTopology(vcpus: number, preferred: TopologyWish, maximum: TopologyWish): CpuTopology {
  const all: CpuTopology[] = []
  for (let sockets = 1; sockets <= vcpus; sockets++) {
    for (let cores = 1; cores <= vcpus / sockets; cores++) {
      const threads = vcpus / (sockets * cores)
      if (Number.isInteger(threads)) all.push({ sockets, cores, threads })
    }
  }
  const within = all.filter(t => dimensions.every(d => t[d] <= (maximum[d] ?? 65536)))
  const candidates = within.length > 0 ? within : all
  const met = (t: CpuTopology) => dimensions.filter(d => t[d] === preferred[d]).length
  candidates.sort((a, b) => met(b) - met(a) || a.threads - b.threads || b.sockets - a.sockets)
  return candidates[0] ?? { sockets: vcpus, cores: 1, threads: 1 }
}

const dimensions = ['sockets', 'cores', 'threads'] as const
