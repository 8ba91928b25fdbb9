import type { Share, ShareAccess } from './port.ts'

export interface WireShare {
  readonly id: string
  readonly status: string
  readonly name: string | null
  readonly size: number
  readonly project_id: string
  readonly availability_zone: string | null
  readonly share_proto: string
}

export interface WireExportLocation {
  readonly path: string
  readonly preferred?: boolean
}

export interface WireAccess {
  readonly id: string
  readonly access_type: string
  readonly access_to: string
  readonly access_level: string
  readonly state: string
  readonly access_key?: string | null
}

export const exportLocationOf = (all: readonly WireExportLocation[]): string | null =>
  (all.find(location => location.preferred === true) ?? all[0])?.path ?? null

export const shareOf = (wire: WireShare, exportLocation: string | null): Share => ({
  id: wire.id,
  status: wire.status,
  name: wire.name,
  sizeGiB: wire.size,
  projectId: wire.project_id,
  availabilityZone: wire.availability_zone,
  protocol: wire.share_proto.toUpperCase(),
  exportLocation,
})

export const accessOf = (wire: WireAccess): ShareAccess => ({
  id: wire.id,
  type: wire.access_type === 'cephx' ? 'cephx' : 'ip',
  to: wire.access_to,
  level: wire.access_level,
  state: wire.state,
  key: wire.access_key ?? null,
})
