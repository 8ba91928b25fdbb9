import { InvalidHardwareRequest } from './faults.ts'
import { checkImageProperties } from './image-properties.ts'
import { type HardwareSource, isYes, pairOf } from './source.ts'
import { checkTopology } from './topology-limits.ts'

const refuse = (text: string) => InvalidHardwareRequest({ text })

/** As Python prints what an image's flag was read as. */
const shown = (value: boolean): string => (value ? 'True' : 'False')

function conflict(source: HardwareSource, prefix: string, key: string, flavor: string, image: string): Error {
  return refuse(
    `Flavor ${source.flavor.name} has ${prefix}:${key} extra spec explicitly set to ${flavor}, conflicting with ` +
      `image ${source.image.name ?? ''} which has ${prefix}_${key} explicitly set to ${image}.`,
  )
}

/** Flags on which both must agree, if both say something. */
function mustAgreeOnFlag(source: HardwareSource, key: string): void {
  const { flavor, image } = pairOf(source, key)
  if (flavor === undefined || image === undefined || isYes(flavor) === isYes(image)) return
  throw conflict(source, 'hw', key, shown(isYes(flavor)), shown(isYes(image)))
}

function mustAgree(source: HardwareSource, key: string, prefix = 'hw'): void {
  const { flavor, image } = pairOf(source, key, prefix)
  if (flavor === undefined || image === undefined || flavor === '' || image === '' || flavor === image) return
  throw conflict(source, prefix, key, flavor, image)
}

/** Memory can be encrypted for guests that boot by UEFI from a q35 alone. */
function checkMemoryEncryption(source: HardwareSource): void {
  const { flavor, image } = pairOf(source, 'mem_encryption')
  const [byFlavor, byImage] = [flavor !== undefined && isYes(flavor), image !== undefined && isYes(image)]
  if (!byFlavor && !byImage) return
  const imageName = source.image.name ?? ''
  if (flavor !== undefined && image !== undefined && byFlavor !== byImage)
    throw refuse(
      `Flavor ${source.flavor.name} has hw:mem_encryption extra spec explicitly set to ${flavor}, conflicting with ` +
        `image ${imageName} which has hw_mem_encryption property explicitly set to ${shown(byImage)}`,
    )
  const requesters = [
    ...(byFlavor ? [`hw:mem_encryption extra spec in ${source.flavor.name} flavor`] : []),
    ...(byImage ? [`hw_mem_encryption property of image ${source.image.id}`] : []),
  ].join(' and ')
  const { hw_firmware_type: firmware, hw_machine_type: machine } = source.image.properties
  if (firmware !== 'uefi')
    throw refuse(
      `Memory encryption requested by ${requesters} but image ${imageName} doesn't have 'hw_firmware_type' property set to 'uefi'`,
    )
  if (machine !== undefined && !machine.includes('q35'))
    throw refuse(
      `Machine type '${machine}' is not compatible with image ${imageName} (${source.image.id}): q35 type is required for SEV to work`,
    )
}

function checkSerialPorts(source: HardwareSource): void {
  const { flavor, image } = pairOf(source, 'serial_port_count')
  if (flavor === undefined || flavor === '') return
  if (!/^\s*[+-]?\d+\s*$/.test(flavor))
    throw refuse(`Number of serial ports specified in flavor is invalid: expected an integer, got '${flavor}'`)
  if (Number(flavor) !== 0 && image !== undefined && Number(image) > Number(flavor))
    throw refuse('Forbidden to exceed flavor value of number of serial ports passed in image meta.')
}

/** A CRB is an interface of TPM 2.0. */
function checkTpm(source: HardwareSource): void {
  mustAgree(source, 'tpm_version')
  mustAgree(source, 'tpm_model')
  const either = (key: string) => pairOf(source, key).flavor ?? pairOf(source, key).image
  if (either('tpm_model') === 'tpm-crb' && either('tpm_version') === '1.2')
    throw refuse('TPM model CRB is only valid with TPM version 2.0.')
}

/** Refuses a machine that no host can make, before anything is written. Pinning and memory nodes are checked elsewhere. */
export function checkHardware(source: HardwareSource): void {
  checkImageProperties(source.image.properties)
  checkMemoryEncryption(source)
  mustAgreeOnFlag(source, 'pmu')
  checkSerialPorts(source)
  checkTopology(source)
  if (source.flavor.vcpus > 1) mustAgreeOnFlag(source, 'vif_multiqueue_enabled')
  mustAgreeOnFlag(source, 'virtio_packed_ring')
  mustAgreeOnFlag(source, 'ephemeral_encryption')
  for (const key of ['ephemeral_encryption_format', 'mem_encryption_model', 'maxphysaddr_mode', 'maxphysaddr_bits'])
    mustAgree(source, key)
  for (const key of ['sound_model', 'usb_model', 'redirected_usb_ports']) mustAgree(source, key)
  checkTpm(source)
  mustAgree(source, 'secure_boot', 'os')
}
