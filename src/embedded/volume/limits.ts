import { projectLimits, usageOf } from './quotas.ts'
import type { VolumeState } from './store/state.ts'

/** A project's limits and what it uses of them, by Cinder's names. */
export function absoluteLimits(state: VolumeState, projectId: string): Record<string, number> {
  const limits = projectLimits(state, projectId)
  const used = usageOf(state, projectId)
  return {
    totalSnapshotsUsed: used.snapshots ?? 0,
    maxTotalBackups: limits.backups ?? -1,
    maxTotalVolumeGigabytes: limits.gigabytes ?? -1,
    maxTotalSnapshots: limits.snapshots ?? -1,
    maxTotalBackupGigabytes: limits.backup_gigabytes ?? -1,
    totalBackupGigabytesUsed: 0,
    maxTotalVolumes: limits.volumes ?? -1,
    totalVolumesUsed: used.volumes ?? 0,
    totalBackupsUsed: 0,
    totalGigabytesUsed: used.gigabytes ?? 0,
  }
}
