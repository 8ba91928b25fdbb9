import type { ConnectionInfo, Volume, VolumeAttachment, VolumeSnapshot } from './port.ts'

export interface WireVolume {
  readonly id: string
  readonly status: string
  readonly size: number
  readonly name: string | null
  readonly description: string | null
  readonly availability_zone: string
  readonly created_at: string
  readonly volume_type: string | null
  readonly snapshot_id: string | null
  readonly source_volid: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly volume_image_metadata?: Readonly<Record<string, string>>
  /** A text. */
  readonly bootable: string
  readonly encrypted: boolean
  readonly multiattach: boolean
  readonly migration_status?: string | null
  readonly 'os-vol-tenant-attr:tenant_id'?: string
  readonly attachments: readonly {
    readonly attachment_id: string
    readonly server_id: string | null
    readonly device: string | null
    readonly host_name: string | null
  }[]
}

export interface WireSnapshot {
  readonly id: string
  readonly status: string
  readonly size: number
  readonly volume_id: string
  readonly name: string | null
  readonly description: string | null
  readonly created_at: string
  readonly 'os-extended-snapshot-attributes:progress'?: string
  readonly 'os-extended-snapshot-attributes:project_id'?: string
}

export interface WireAttachment {
  readonly id: string
  readonly volume_id: string
  readonly instance: string | null
  readonly status: string
  readonly connection_info?: Readonly<Record<string, unknown>> | null
}

/** Cinder's times carry no zone and are UTC. */
const timeOf = (text: string): number => Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)

export const volumeOf = (wire: WireVolume): Volume => ({
  id: wire.id,
  status: wire.status,
  sizeGiB: wire.size,
  name: wire.name,
  description: wire.description,
  projectId: wire['os-vol-tenant-attr:tenant_id'] ?? null,
  availabilityZone: wire.availability_zone,
  createdAtMs: timeOf(wire.created_at),
  isMultiattach: wire.multiattach,
  isBootable: wire.bootable === 'true',
  isEncrypted: wire.encrypted,
  volumeType: wire.volume_type,
  snapshotId: wire.snapshot_id,
  sourceVolumeId: wire.source_volid,
  metadata: wire.metadata,
  imageMetadata: wire.volume_image_metadata ?? {},
  migrationStatus: wire.migration_status ?? null,
  attachments: wire.attachments.map(a => ({
    attachmentId: a.attachment_id,
    serverId: a.server_id,
    device: a.device,
    hostName: a.host_name,
  })),
})

export const snapshotOf = (wire: WireSnapshot): VolumeSnapshot => ({
  id: wire.id,
  status: wire.status,
  progress: wire['os-extended-snapshot-attributes:progress'] ?? null,
  volumeId: wire.volume_id,
  sizeGiB: wire.size,
  name: wire.name,
  description: wire.description,
  projectId: wire['os-extended-snapshot-attributes:project_id'] ?? null,
  createdAtMs: timeOf(wire.created_at),
})

/** The attachments API shows the data of a connection flat, beside its type. */
function connectionOf(info: WireAttachment['connection_info']): ConnectionInfo | undefined {
  const { driver_volume_type: type, attachment_id: _, ...data } = info ?? {}
  return typeof type === 'string' ? { driverVolumeType: type, data } : undefined
}

export const attachmentOf = (wire: WireAttachment): VolumeAttachment => ({
  id: wire.id,
  volumeId: wire.volume_id,
  serverId: wire.instance,
  status: wire.status,
  connection: connectionOf(wire.connection_info),
})
