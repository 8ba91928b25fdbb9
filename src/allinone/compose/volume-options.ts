import type { Config } from '#config'
import { cacheModesOf, mkfsCommands, type VolumeOptions } from '#virt/libvirt'

/** What nova.conf says of disks and volumes. */
export const volumeOptions = ({ DEFAULT, libvirt }: Config): VolumeOptions => ({
  disks: {
    cacheModes: cacheModesOf(libvirt.disk_cachemodes),
    discard: libvirt.hw_disk_discard ?? undefined,
    prefix: libvirt.disk_prefix ?? undefined,
    usesDefaultAio: libvirt.use_default_aio_mode_for_volumes,
  },
  ephemeralFormat: {
    format: DEFAULT.default_ephemeral_format ?? undefined,
    commands: mkfsCommands(DEFAULT.virt_mkfs),
  },
  detachPatience: {
    attempts: libvirt.device_detach_attempts,
    timeoutMs: libvirt.device_detach_timeout * 1000,
  },
  identity: { host: DEFAULT.host, ip: DEFAULT.my_block_storage_ip },
  access: {
    nfsMounts: libvirt.nfs_mount_point_base,
    rbd: { user: libvirt.rbd_user, secretUuid: libvirt.rbd_secret_uuid },
  },
})
