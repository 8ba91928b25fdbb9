import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { nodeAt, nodesAt, parseXml, textAt } from '../xml-tree.ts'
import { domainXml } from './build.ts'
import { chooseTopology } from './cpu-topology.ts'
import { sampleHost, sampleSpec } from './sample-spec.ts'

const golden = join(dirname(fileURLToPath(import.meta.url)), 'golden')

/** `UPDATE_GOLDEN=1` writes them; the difference is read in review. */
function matchesGolden(name: string, xml: string): void {
  const path = join(golden, `${name}.xml`)
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(golden, { recursive: true })
    writeFileSync(path, xml)
  }
  assert.equal(xml, readFileSync(path, 'utf8'))
}

describe('domain definition', () => {
  test('a plain guest, emulated', () => matchesGolden('plain-tcg', domainXml(sampleSpec(), sampleHost())))

  test('a guest with many properties, KVM', () => {
    const spec = sampleSpec({
      vcpus: 4,
      properties: {
        hw_machine_type: 'q35',
        hw_disk_bus: 'scsi',
        hw_vif_model: 'e1000e',
        hw_video_model: 'vga',
        hw_cpu_sockets: '1',
        hw_cpu_cores: '2',
        hw_cpu_threads: '2',
        hw_qemu_guest_agent: 'yes',
        hw_serial_port_count: '2',
      },
      extraSpecs: { 'hw_rng:rate_bytes': '1024' },
    })
    matchesGolden('many-properties-kvm', domainXml(spec, sampleHost({ virtType: 'kvm', cpu: { mode: 'host-model' } })))
  })

  test('a Windows guest with secure boot, a TPM and limits, KVM', () => {
    const spec = sampleSpec({
      vcpus: 2,
      properties: {
        os_type: 'windows',
        hw_machine_type: 'q35',
        hw_firmware_type: 'uefi',
        os_secure_boot: 'required',
        hw_watchdog_action: 'reset',
        hw_input_bus: 'virtio',
        hw_sound_model: 'ich9',
        hw_viommu_model: 'intel',
        img_hide_hypervisor_id: 'true',
      },
      extraSpecs: {
        'hw:tpm_version': '2.0',
        'hw:tpm_model': 'tpm-crb',
        'hw:vif_multiqueue_enabled': 'true',
        'quota:cpu_shares': '512',
        'quota:vif_inbound_average': '1024',
        'quota:disk_read_bytes_sec': '1048576',
      },
      spec: { tpmSecret: { id: '0c4d6a0e-0000-4000-8000-000000000001', base64: 'eA==' } },
    })
    matchesGolden('windows-kvm', domainXml(spec, sampleHost({ virtType: 'kvm', cpu: { mode: 'host-passthrough' } })))
  })

  test('no text of a user changes the structure', () => {
    const structure = (xml: string): unknown => {
      const shape = (node: ReturnType<typeof parseXml>): unknown => [node.name, node.children.map(shape)]
      return shape(parseXml(xml))
    }
    const expected = structure(domainXml(sampleSpec({ properties: { x: 'y' } }), sampleHost()))
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, text, (displayName, userName, value) => {
        const spec = sampleSpec({ properties: { x: value }, spec: { displayName, userName } })
        assert.deepEqual(structure(domainXml(spec, sampleHost())), expected)
      }),
    )
  })

  test('names come back as they were', () => {
    const displayName = `<b>"a" & 'c'</b> ]]> ü 😀`
    const domain = parseXml(domainXml(sampleSpec({ spec: { displayName } }), sampleHost()))
    assert.equal(nodeAt(domain, 'metadata', 'nova:instance', 'nova:name')?.text, displayName)
    assert.equal(textAt(domain, 'uuid'), sampleSpec().id)
    assert.equal(nodesAt(domain, 'devices', 'interface').length, 1)
  })
})

describe('topology', () => {
  const size = fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined })
  const wish = fc.record({ sockets: size, cores: size, threads: size })

  test('always multiplies to the number of processors', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 }), wish, wish, (vcpus, preferred, maximum) => {
        const chosen = chooseTopology(vcpus, preferred, maximum)
        // Only limits can leave none.
        if (chosen === undefined) return assert.notDeepEqual(maximum, {})
        assert.equal(chosen.sockets * chosen.cores * chosen.threads, vcpus)
      }),
    )
  })

  test('a wish that fits is met', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 4 }),
        (sockets, cores, threads) => {
          const wished = { sockets, cores, threads }
          assert.deepEqual(chooseTopology(sockets * cores * threads, wished, {}), wished)
        },
      ),
    )
  })
})
