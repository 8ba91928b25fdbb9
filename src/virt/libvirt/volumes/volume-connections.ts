import { createHash } from 'node:crypto'
import { stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { GiB } from '#base'
import type { ConnectionInfo } from '#cloud'
import type { GuestDisk, GuestSpec, GuestVolume } from '../../guest-spec.ts'
import { makeLuks } from '../disks/luks.ts'
import { VolumeConnectionUnusable, volumeSource } from '../domain/index.ts'
import type { GuestSecrets } from '../secrets/secrets.ts'
import { VolumeEncryptionNotSupported } from './volume-faults.ts'

/** How this host reaches volumes. */
export interface VolumeAccess {
  /** Its name to iSCSI targets. */
  readonly initiator: string
  /** `nfs_mount_point_base`: below it a share is mounted under the MD5 of its name. */
  readonly nfsMounts: string
  /** `rbd_user` and `rbd_secret_uuid`, for a Cinder that does not say them. */
  readonly rbd: { readonly user: string | null; readonly secretUuid: string | null }
}

type Data = Readonly<Record<string, unknown>>

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Also under the names that older releases of Cinder have kept. */
const isLuks = (provider: string): boolean => provider === 'luks' || /(^|\.)LuksEncryptor$/.test(provider)

const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined)

/** A swap that was cut off may have left a file of the volume service too short. */
async function makeWhole({ driverVolumeType, data }: ConnectionInfo, sizeGiB: number): Promise<void> {
  const path = textOf(data['device_path'])
  const isFile = driverVolumeType === 'local' && data['is_block'] === false && data['format'] !== 'qcow2'
  if (!isFile || path === undefined || data['access_mode'] === 'ro') return
  if ((await stat(path)).size < sizeGiB * GiB) await truncate(path, sizeGiB * GiB)
}

/**
 * Makes of what the volume service tells a connection that the definition can be written from: looks where the path leads,
 * and gives passwords to libvirt, which the definition then names. Repeating it changes nothing.
 */
export class VolumeConnections {
  readonly #secrets: GuestSecrets
  readonly #access: VolumeAccess

  constructor(secrets: GuestSecrets, access: VolumeAccess) {
    this.#secrets = secrets
    this.#access = access
  }

  async prepare(spec: GuestSpec): Promise<GuestSpec> {
    const disks: GuestDisk[] = []
    for (const disk of spec.disks) disks.push(await this.prepareDisk(spec.id, disk))
    return { ...spec, disks }
  }

  async prepareDisk(guestId: string, disk: GuestDisk): Promise<GuestDisk> {
    const { volume } = disk
    if (volume === null) return disk
    const connection = await this.#connected(guestId, volume)
    await makeWhole(connection, disk.size)
    // Refuses what no definition can be made of before anything else happens.
    volumeSource(connection)
    return { ...disk, volume: { ...volume, connection } }
  }

  /** A volume that was prepared for a guest and then not given to it: as it was before. */
  async unused(guestId: string, prepared: GuestDisk): Promise<void> {
    const { volume } = prepared
    if (volume === null) return
    await makeWhole(volume.connection, prepared.size)
    await this.release(guestId, volume.id)
  }

  /** After a volume has gone. */
  async release(guestId: string, volumeId: string): Promise<void> {
    await this.#secrets.remove(guestId, volumeId)
  }

  async releaseAll(guestId: string): Promise<void> {
    await this.#secrets.remove(guestId)
  }

  async #connected(guestId: string, volume: GuestVolume): Promise<ConnectionInfo> {
    const { driverVolumeType, data } = volume.connection
    const reached = await this.#reached(guestId, volume, data)
    if (data['encrypted'] !== true) return { driverVolumeType, data: reached }
    return {
      driverVolumeType,
      data: { ...reached, encryption_secret_uuid: await this.#opened(guestId, volume, reached) },
    }
  }

  async #reached(guestId: string, { id, connection }: GuestVolume, data: Data): Promise<Data> {
    switch (connection.driverVolumeType) {
      case 'local':
      case 'gpfs':
        return this.#onPath(connection.driverVolumeType, data, textOf(data['device_path']))
      case 'nfs':
        return this.#onPath('nfs', data, this.#shared(data))
      case 'iscsi':
        return this.#overIscsi(guestId, id, data)
      case 'rbd':
        return this.#overRbd(data)
      default:
        return data
    }
  }

  /** The key goes to libvirt; a volume that nobody has used yet becomes one that it opens. */
  async #opened(guestId: string, { id, encryption }: GuestVolume, data: Data): Promise<string> {
    if (encryption?.base64 === undefined) throw VolumeEncryptionNotSupported({ id, reason: 'there is no key for it' })
    if (!isLuks(encryption.provider))
      throw VolumeEncryptionNotSupported({ id, reason: `QEMU does not know ${encryption.provider}` })
    // Nova's passphrase: the key's bytes in hexadecimal digits.
    const passphrase = Buffer.from(Buffer.from(encryption.base64, 'base64').toString('hex'))
    const path = textOf(data['device_path'])
    if (path !== undefined) await makeLuks(path, encryption, passphrase)
    return this.#secrets.put(guestId, 'volume', id, passphrase)
  }

  #shared(data: Data): string | undefined {
    const [share, name] = [textOf(data['export']), textOf(data['name'])]
    if (share === undefined || name === undefined) return undefined
    return join(this.#access.nfsMounts, createHash('md5').update(share).digest('hex'), name)
  }

  async #onPath(type: string, data: Data, path: string | undefined): Promise<Data> {
    if (path === undefined) throw VolumeConnectionUnusable({ type, reason: 'it has no path' })
    try {
      return { ...data, device_path: path, is_block: (await stat(path)).isBlockDevice() }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      throw VolumeConnectionUnusable({ type, reason: `there is no ${path} on this host` })
    }
  }

  async #overIscsi(guestId: string, volumeId: string, data: Data): Promise<Data> {
    const { auth_password: password, ...open } = data
    const target = {
      ...open,
      initiator: this.#access.initiator,
      target_portal: data['target_portal'] ?? firstOf(data['target_portals']),
      target_iqn: data['target_iqn'] ?? firstOf(data['target_iqns']),
      target_lun: data['target_lun'] ?? firstOf(data['target_luns']),
    }
    if (textOf(data['auth_username']) === undefined || textOf(password) === undefined) return target
    const value = Buffer.from(String(password))
    return { ...target, secret_uuid: await this.#secrets.put(guestId, 'iscsi', volumeId, value) }
  }

  /** Ceph's key lies in a secret that the operator has made; Cinder names it, or nova.conf does. */
  #overRbd(data: Data): Data {
    const { user, secretUuid } = this.#access.rbd
    const isNamed = data['auth_enabled'] === true && textOf(data['secret_uuid']) !== undefined
    if (isNamed) return data
    const auth = secretUuid === null ? {} : { auth_username: user, secret_uuid: secretUuid }
    const { auth_username: _user, secret_uuid: _uuid, ...open } = data
    return { ...open, ...auth }
  }
}
