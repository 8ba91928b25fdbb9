/**
 * The definition of a guest for libvirt, as pure functions of the spec and the host, one file per device family. Called by
 * the libvirt driver; promises that no text from a user can change the structure of the document.
 */
export { domainXml } from './build.ts'
export { chosenHardware } from './chosen.ts'
export { traitsOfFeatures } from './cpu-traits.ts'
export { cacheModesOf, type DiskOptions, defaultDiskOptions } from './disk-options.ts'
export { type DiskPlace, placeVolume } from './disk-place.ts'
export * from './disk-source.ts'
export { ephemeralIndex, scsiController, volumeElement } from './disks.ts'
export { element, escapeXml, renderXml, type XmlElement } from './element.ts'
export { canBoot } from './firmware.ts'
export type { CpuFeatures, CpuMode, DomainHost, Emulator, SevSupport, VirtType } from './host.ts'
export { guestVifElement, type VifWishes, vifModels } from './interfaces.ts'
export type { Loader } from './loader.ts'
export { memoryEncryptionOf, throughIommu } from './memory-encryption.ts'
export { mustSuit } from './refusals.ts'
export { type RescueDisk, rescueBus, rescueMark, rescueXml } from './rescue.ts'
export { serialPortCount } from './serial.ts'
export { type DomainSettings, defaultSettings, type SpiceSettings } from './settings.ts'
export { soundModels } from './sound.ts'
