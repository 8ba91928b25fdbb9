import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkHardware } from './check.ts'

const check = (extraSpecs: Record<string, string>, properties: Record<string, string>, vcpus = 4) =>
  checkHardware({ flavor: { name: 'm1', vcpus, extraSpecs }, image: { id: 'i', name: 'img', properties } })

const refuses = (text: RegExp | string, extraSpecs: Record<string, string>, properties: Record<string, string>) =>
  assert.throws(() => check(extraSpecs, properties), typeof text === 'string' ? { message: text, status: 400 } : text)

const said = (key: string, flavor: string, image: string, prefix = 'hw') =>
  `Flavor m1 has ${prefix}:${key} extra spec explicitly set to ${flavor}, conflicting with image img which has ${prefix}_${key} explicitly set to ${image}.`

describe('flavor and image', () => {
  test('may say the same in other words, or one of them nothing', () => {
    check({}, {})
    check({ 'hw:pmu': 'true', 'hw:tpm_version': '2.0' }, { hw_pmu: 'yes', hw_tpm_model: 'tpm-crb' })
    check({ 'hw:vif_multiqueue_enabled': 'true' }, { hw_vif_multiqueue_enabled: 'no' }, 1)
  })

  test('must not contradict each other', () => {
    refuses(said('pmu', 'True', 'False'), { 'hw:pmu': 'yes' }, { hw_pmu: 'false' })
    refuses(
      said('vif_multiqueue_enabled', 'False', 'True'),
      { 'hw:vif_multiqueue_enabled': '0' },
      { hw_vif_multiqueue_enabled: '1' },
    )
    refuses(
      said('virtio_packed_ring', 'True', 'False'),
      { 'hw:virtio_packed_ring': '1' },
      { hw_virtio_packed_ring: '0' },
    )
    refuses(said('tpm_version', '1.2', '2.0'), { 'hw:tpm_version': '1.2' }, { hw_tpm_version: '2.0' })
    refuses(
      said('secure_boot', 'required', 'disabled', 'os'),
      { 'os:secure_boot': 'required' },
      { os_secure_boot: 'disabled' },
    )
    refuses(
      'TPM model CRB is only valid with TPM version 2.0.',
      { 'hw:tpm_version': '1.2' },
      { hw_tpm_model: 'tpm-crb' },
    )
  })

  test('limits of the processors: the image may only lower them', () => {
    check({ 'hw:cpu_max_sockets': '4' }, { hw_cpu_max_sockets: '2', hw_cpu_sockets: '2' })
    refuses(
      'Image vCPU topology limits (sockets=8, cores=0, threads=0) exceeds the limits of the flavor (sockets=4, cores=0, threads=0)',
      { 'hw:cpu_max_sockets': '4' },
      { hw_cpu_max_sockets: '8' },
    )
    refuses(
      'Image vCPU topology (sockets=4, cores=0, threads=0) exceeds the limits of the flavor or image (sockets=2, cores=65536, threads=65536)',
      { 'hw:cpu_max_sockets': '2' },
      { hw_cpu_sockets: '4' },
    )
    refuses(/Invalid flavor extra spec/, { 'hw:cpu_cores': 'many' }, {})
  })

  test('serial ports: never more than the flavor has', () => {
    check({ 'hw:serial_port_count': '4' }, { hw_serial_port_count: '2' })
    refuses(
      'Forbidden to exceed flavor value of number of serial ports passed in image meta.',
      { 'hw:serial_port_count': '1' },
      { hw_serial_port_count: '2' },
    )
    refuses(/expected an integer, got 'x'/, { 'hw:serial_port_count': 'x' }, {})
  })

  test('encrypted memory needs UEFI on a q35', () => {
    const wish = { 'hw:mem_encryption': 'true' }
    check(wish, { hw_firmware_type: 'uefi' })
    refuses(/hw_firmware_type' property set to 'uefi'/, wish, {})
    refuses(/q35 type is required for SEV/, wish, { hw_firmware_type: 'uefi', hw_machine_type: 'pc' })
    refuses(/explicitly set to true, conflicting/, wish, { hw_mem_encryption: 'no' })
  })
})

describe('image properties', () => {
  test('that Nova does not know are the user’s own', () =>
    check({}, { anything: 'goes', hw_qemu_guest_agent: 'maybe' }))

  test('with values that mean nothing', () => {
    refuses('Invalid image metadata. Error: Field value floppy is invalid', {}, { hw_disk_bus: 'floppy' })
    refuses(
      "Invalid image metadata. Error: invalid literal for int() with base 10: 'two'",
      {},
      { hw_serial_port_count: 'two' },
    )
    refuses("Invalid image metadata. Error: Architecture name 'z80' is not valid", {}, { hw_architecture: 'z80' })
    check({}, { hw_vif_model: 'VirtualE1000', hw_architecture: 'AMD64', hw_scsi_model: 'virtio' })
  })
})
