/**
 * What a guest can ask about itself: the metadata service (EC2 and OpenStack trees, vendor data, password) and the config
 * drive with the same documents. Reads through `MetadataSource`, keeps nothing but a short cache with exact invalidation.
 * Called by `bin` and `allinone`; the conductor gets a drive's files and the hypervisor its image through ports composed there.
 */
export { type ConfigDriveOptions, configDriveFiles, type DriveFile } from './config-drive.ts'
export { type DriveImageOptions, writeDriveImage } from './drive-image.ts'
export { ConfigDriveToolFailed, VendorDataUnavailable } from './faults.ts'
export type { DriveExtras } from './openstack-tree.ts'
export {
  createMetadataService,
  type MetadataConfig,
  type MetadataService,
  type MetadataServiceOptions,
} from './service.ts'
export type {
  DeviceBus,
  Door,
  InstanceMetadata,
  MetadataDevice,
  MetadataSource,
  MetadataSubnet,
  MetadataVif,
} from './source.ts'
export { type AddressLookup, instanceMetadata, type StoreSourceOptions, storeMetadata } from './store-source.ts'
export { createVendorData, type VendorData, type VendorDataConfig } from './vendor-data.ts'
