import { isoMicros } from '#base'
import type { Instance } from '#model'
import { microsText, type Period } from './period.ts'

const microsPerHour = 3_600_000_000

/** Hours of the period in which the server was there, running or not: it holds its place until it is deleted. */
function hoursOf({ launchedAtMs, terminatedAtMs }: Instance, { startMicros, stopMicros }: Period): number {
  const from = Math.max((launchedAtMs ?? 0) * 1000, startMicros)
  const to = terminatedAtMs === null ? stopMicros : Math.min(terminatedAtMs * 1000, stopMicros)
  return Math.max(to - from, 0) / microsPerHour
}

export function serverUsage(instance: Instance, period: Period, nowMs: number) {
  const { flavor, launchedAtMs, terminatedAtMs } = instance
  const startedMs = launchedAtMs ?? instance.createdAtMs
  return {
    instance_id: instance.id,
    name: instance.displayName,
    tenant_id: instance.projectId,
    hours: hoursOf(instance, period),
    flavor: flavor.name,
    memory_mb: flavor.memoryMiB,
    local_gb: flavor.rootGiB + flavor.ephemeralGiB,
    vcpus: flavor.vcpus,
    started_at: isoMicros(startedMs),
    ended_at: terminatedAtMs === null ? null : isoMicros(terminatedAtMs),
    state: terminatedAtMs === null ? instance.vmState : 'terminated',
    uptime: Math.trunc(((terminatedAtMs ?? nowMs) - startedMs) / 1000),
  }
}
export type ServerUsage = ReturnType<typeof serverUsage>

const total = (usages: readonly ServerUsage[], weight: (usage: ServerUsage) => number): number =>
  usages.reduce((sum, usage) => sum + weight(usage) * usage.hours, 0)

/** One project's sums, with its servers when asked for. */
export const projectUsage = (
  projectId: string,
  usages: readonly ServerUsage[],
  { startMicros, stopMicros }: Period,
  isDetailed: boolean,
) => ({
  tenant_id: projectId,
  total_local_gb_usage: total(usages, usage => usage.local_gb),
  total_vcpus_usage: total(usages, usage => usage.vcpus),
  total_memory_mb_usage: total(usages, usage => usage.memory_mb),
  total_hours: total(usages, () => 1),
  start: microsText(startMicros),
  stop: microsText(stopMicros),
  ...(isDetailed ? { server_usages: usages } : {}),
})
