import type { Core } from './core.ts'
import { OverLimit } from './faults.ts'
import type { VolumeState } from './store/state.ts'

/** Cinder's own defaults. */
const defaults: Readonly<Record<string, number>> = {
  volumes: 10,
  per_volume_gigabytes: -1,
  snapshots: 10,
  gigabytes: 1000,
  backups: 10,
  backup_gigabytes: 1000,
  groups: 10,
}
const perType = ['volumes', 'gigabytes', 'snapshots'] as const

export type Limits = Record<string, number>

export function resourceNames(state: VolumeState): string[] {
  const types = state.table('volume_types').all()
  return [...Object.keys(defaults), ...types.flatMap(type => perType.map(resource => `${resource}_${type.name}`))]
}

const limitsOf = (state: VolumeState, kind: 'project' | 'class', id: string): Limits =>
  Object.fromEntries(
    state
      .table('volume_quotas')
      .by('owner', `${kind}/${id}`)
      .map(row => [row.resource, row.hard_limit]),
  )

const builtIn = (state: VolumeState): Limits =>
  Object.fromEntries(resourceNames(state).map(name => [name, defaults[name] ?? -1]))

/** Of a class; `default` is what counts for everybody. */
export const classLimits = (state: VolumeState, name: string): Limits => ({
  ...builtIn(state),
  ...limitsOf(state, 'class', name),
})

export const defaultLimits = (state: VolumeState): Limits => classLimits(state, 'default')

export const projectLimits = (state: VolumeState, projectId: string): Limits => ({
  ...defaultLimits(state),
  ...limitsOf(state, 'project', projectId),
})

/** What a project has, counted from its rows. */
export function usageOf(state: VolumeState, projectId: string): Record<string, number> {
  const used: Record<string, number> = Object.fromEntries(resourceNames(state).map(name => [name, 0]))
  const add = (resource: string, typeId: string, amount: number) => {
    const type = state.table('volume_types').get(typeId)?.name ?? ''
    for (const name of [resource, `${resource}_${type}`]) used[name] = (used[name] ?? 0) + amount
  }
  for (const row of state.table('volume_volumes').by('project', projectId)) {
    add('volumes', row.volume_type_id, 1)
    add('gigabytes', row.volume_type_id, row.size_gib)
  }
  for (const row of state.table('volume_snapshots').by('project', projectId)) {
    add('snapshots', row.volume_type_id, 1)
    add('gigabytes', row.volume_type_id, row.size_gib)
  }
  return used
}

export interface Wish {
  readonly volumes?: number
  readonly snapshots?: number
  readonly gigabytes?: number
}

/** Refuses what would exceed a limit; called inside the change that uses it, so that two cannot share the last place. */
export function requireQuota(
  core: Core,
  projectId: string,
  typeId: string,
  wish: Wish,
  options: { isOfTypeOnly: boolean } = { isOfTypeOnly: false },
): void {
  const limits = projectLimits(core.state, projectId)
  const used = usageOf(core.state, projectId)
  const type = core.state.table('volume_types').get(typeId)?.name ?? ''
  for (const [resource, amount] of Object.entries(wish).sort(([a], [b]) => a.localeCompare(b))) {
    const ofType = `${resource}_${type}`
    for (const name of options.isOfTypeOnly ? [ofType] : [resource, ofType]) {
      const limit = limits[name] ?? -1
      if (limit < 0 || (used[name] ?? 0) + amount <= limit) continue
      if (resource === 'gigabytes') {
        throw OverLimit({
          reason: `Requested volume or snapshot exceeds allowed ${name} quota. Requested ${amount}G, quota is ${limit}G and ${used[name]}G has been consumed.`,
        })
      }
      const quota = resource === 'volumes' ? ` for quota '${name}'.` : ''
      throw OverLimit({ reason: `Maximum number of ${resource} allowed (${limit}) exceeded${quota}` })
    }
  }
}

export function requireSize(core: Core, projectId: string, sizeGiB: number): void {
  const limit = projectLimits(core.state, projectId).per_volume_gigabytes ?? -1
  if (limit >= 0 && sizeGiB > limit) {
    throw OverLimit({
      reason: `Requested volume size ${sizeGiB}G is larger than maximum allowed limit ${limit}G.`,
    })
  }
}
