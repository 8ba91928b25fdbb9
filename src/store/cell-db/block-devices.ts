import type { Insertable, Selectable, Updateable } from 'kysely'
import { fromJson, newUuid } from '#base'
import type { BlockDevice, DeviceDefinition, DeviceDestination, DeviceEncryption, DeviceSource } from '#model'
import { affected, among, insertRows, prepared } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import type { CellTables } from './schema.ts'

type Table = CellTables['block_device_mappings']

export type BlockDeviceChange = Partial<Omit<BlockDevice, 'id' | 'instanceId' | 'createdAtMs'>>

const fromRow = (row: Selectable<Table>): BlockDevice => ({
  id: row.id,
  instanceId: row.instance_id,
  source: row.source_type as DeviceSource,
  destination: row.destination_type as DeviceDestination | null,
  imageId: row.image_id,
  volumeId: row.volume_id,
  snapshotId: row.snapshot_id,
  bootIndex: row.boot_index,
  deviceName: row.device_name,
  diskBus: row.disk_bus,
  deviceType: row.device_type,
  guestFormat: row.guest_format,
  size: row.volume_size,
  volumeType: row.volume_type,
  deleteOnTermination: row.delete_on_termination === 1,
  tag: row.tag,
  attachmentId: row.attachment_id,
  connectionInfo: row.connection_info_json === null ? null : fromJson(row.connection_info_json),
  createdAtMs: row.created_at,
  ...(row.encrypted === 1 ? { encryption: encryptionOf(row) } : {}),
})

const encryptionOf = (row: Selectable<Table>): DeviceEncryption => ({
  format: row.encryption_format,
  secretId: row.encryption_secret_uuid,
  options: row.encryption_options === null ? null : fromJson(row.encryption_options),
})

const columnOf = {
  source: 'source_type',
  destination: 'destination_type',
  imageId: 'image_id',
  volumeId: 'volume_id',
  snapshotId: 'snapshot_id',
  bootIndex: 'boot_index',
  deviceName: 'device_name',
  diskBus: 'disk_bus',
  deviceType: 'device_type',
  guestFormat: 'guest_format',
  size: 'volume_size',
  volumeType: 'volume_type',
  deleteOnTermination: 'delete_on_termination',
  tag: 'tag',
  attachmentId: 'attachment_id',
  connectionInfo: 'connection_info_json',
} as const satisfies Record<Exclude<keyof BlockDeviceChange, 'encryption'>, keyof Table>

const encryptionColumns = ({ format, secretId, options }: DeviceEncryption): Updateable<Table> => ({
  encrypted: 1,
  encryption_format: format,
  encryption_secret_uuid: secretId,
  encryption_options: options === null ? null : JSON.stringify(options),
})

function toColumns(change: BlockDeviceChange): Updateable<Table> {
  const columns: Record<string, unknown> = {}
  for (const [field, column] of Object.entries(columnOf)) {
    const value = change[field as keyof typeof columnOf]
    if (value === undefined) continue
    columns[column] =
      typeof value === 'boolean'
        ? Number(value)
        : typeof value === 'object' && value !== null
          ? JSON.stringify(value)
          : value
  }
  const { encryption } = change
  return { ...(columns as Updateable<Table>), ...(encryption === undefined ? {} : encryptionColumns(encryption)) }
}

const ofServer = prepared((db: Db, { instanceId }: { instanceId: string }) =>
  db.selectFrom('block_device_mappings').selectAll().where('instance_id', '=', instanceId).orderBy('number'),
)

/** The disks of servers: what they are made of, and which volume hangs where. Gone with the disk, not kept for history. */
export class BlockDevices {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** In the order given; call in the transaction that creates the server, or that checks that the disk may come. */
  async add(
    instanceId: string,
    devices: readonly (DeviceDefinition & Partial<Pick<BlockDevice, 'id' | 'attachmentId'>>)[],
    nowMs: number,
  ): Promise<readonly string[]> {
    const rows = devices.map(device => {
      const id = device.id ?? newUuid()
      const columns = toColumns({ attachmentId: null, connectionInfo: null, ...device })
      return { ...columns, id, instance_id: instanceId, created_at: nowMs } as Insertable<Table> & { id: string }
    })
    await insertRows(this.#db, 'block_device_mappings', rows)
    return rows.map(row => row.id)
  }

  /** One statement for any number of servers; servers without disks are absent from the map. */
  async ofMany(instanceIds: readonly string[]): Promise<ReadonlyMap<string, readonly BlockDevice[]>> {
    const found = new Map<string, BlockDevice[]>()
    if (instanceIds.length === 0) return found
    const rows = await this.#db
      .selectFrom('block_device_mappings')
      .selectAll()
      .where('instance_id', 'in', among(instanceIds))
      .orderBy('number')
      .execute()
    for (const row of rows) {
      const devices = found.get(row.instance_id)
      if (devices === undefined) found.set(row.instance_id, [fromRow(row)])
      else devices.push(fromRow(row))
    }
    return found
  }

  async of(instanceId: string): Promise<readonly BlockDevice[]> {
    return (await ofServer(this.#db, { instanceId })).rows.map(fromRow)
  }

  async find(id: string): Promise<BlockDevice | undefined> {
    const row = await this.#db.selectFrom('block_device_mappings').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }

  /** Where a volume hangs: more than one place for a multi-attach volume. */
  async ofVolume(volumeId: string): Promise<readonly BlockDevice[]> {
    const rows = await this.#db
      .selectFrom('block_device_mappings')
      .selectAll()
      .where('volume_id', '=', volumeId)
      .orderBy('number')
      .execute()
    return rows.map(fromRow)
  }

  /** False when there is no such disk. */
  async change(id: string, change: BlockDeviceChange): Promise<boolean> {
    const result = await this.#db
      .updateTable('block_device_mappings')
      .set(toColumns(change))
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  /** Nothing there: nothing to do. */
  async remove(id: string): Promise<void> {
    await this.#db.deleteFrom('block_device_mappings').where('id', '=', id).execute()
  }

  async removeAllOf(instanceId: string): Promise<void> {
    await this.#db.deleteFrom('block_device_mappings').where('instance_id', '=', instanceId).execute()
  }
}
