import { join } from 'node:path'
import { declareFault, GiB, seconds } from '#base'
import type { Config } from '#config'
import type { StorageOptions } from '#virt/libvirt'

export const ImagesTypeUnsupported = declareFault(
  'ImagesTypeUnsupported',
  'final',
  (p: { type: string }) =>
    `[libvirt] images_type ${p.type} is not supported by this host; use default, qcow2, flat or raw.`,
)

/** Nova knows no difference between `raw` and `flat`; `default` follows use_cow_images. */
function rootDisksOf(config: Config): 'qcow2' | 'flat' {
  const { images_type: type } = config.libvirt
  switch (type) {
    case 'default':
      return config.DEFAULT.use_cow_images ? 'qcow2' : 'flat'
    case 'qcow2':
      return 'qcow2'
    case 'raw':
    case 'flat':
      return 'flat'
    default:
      throw ImagesTypeUnsupported({ type })
  }
}

/** The all-in-one keeps its guests elsewhere than nova.conf says, and their snapshots beside them unless told otherwise. */
function snapshotsPathOf(config: Config): Pick<StorageOptions, 'snapshotsPath'> {
  const path = config.libvirt.snapshots_directory
  return path === join(config.DEFAULT.instances_path, 'snapshots') ? {} : { snapshotsPath: path }
}

/** How nova.conf wants disks and images kept. */
export const storageOptions = (config: Config): StorageOptions => ({
  rootDisks: rootDisksOf(config),
  forcesRawImages: config.DEFAULT.force_raw_images,
  preallocates: config.DEFAULT.preallocate_images === 'space',
  cacheFolderName: config.image_cache.subdirectory_name,
  cleaning: {
    removesUnused: config.image_cache.remove_unused_base_images,
    originalAgeMs: seconds(config.image_cache.remove_unused_original_minimum_age_seconds),
    resizedAgeMs: seconds(config.image_cache.remove_unused_resized_minimum_age_seconds),
  },
  ...snapshotsPathOf(config),
  snapshotFormat: config.libvirt.snapshot_image_format,
  compressesSnapshots: config.libvirt.snapshot_compression,
  maxDiskOperations: config.compute.max_concurrent_disk_ops,
  vmdkTypes: config.compute.vmdk_allowed_types,
  excludedFormats: config.compute.image_type_exclude_list,
  inspectionLimits: {
    cpuSeconds: config.libvirt.images_cpu_time_limit,
    addressSpaceBytes: config.libvirt.images_address_space_limit * GiB,
  },
})
