import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sevOf } from '../host/host-capabilities.ts'
import { encryptionContexts } from '../host/host-view.ts'
import { nodesAt, parseXml, type XmlNode } from '../xml-tree.ts'
import { domainXml } from './build.ts'
import { renderXml } from './element.ts'
import { guestVifElement } from './interfaces.ts'
import { throughIommu } from './memory-encryption.ts'
import { mustSuit } from './refusals.ts'
import { type SampleOptions, sampleHost, sampleSpec } from './sample-spec.ts'

/** What libvirt 9 says on a second generation EPYC. */
const capabilities = (inner: string) =>
  parseXml(`<domainCapabilities><features><sev supported='yes'>${inner}</sev></features></domainCapabilities>`)
const epyc = '<cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><maxGuests>59</maxGuests>'
const { sev } = sevOf(capabilities(`${epyc}<maxESGuests>450</maxESGuests>`))
const host = sampleHost({ virtType: 'kvm', cpu: { mode: 'host-model' }, ...(sev === undefined ? {} : { sev }) })

const wish = (model?: string): SampleOptions => ({
  properties: { hw_machine_type: 'q35', hw_firmware_type: 'uefi', hw_input_bus: 'virtio', hw_video_model: 'virtio' },
  extraSpecs: { 'hw:mem_encryption': 'true', ...(model === undefined ? {} : { 'hw:mem_encryption_model': model }) },
})

const devicesOf = (domain: XmlNode) =>
  ['disk', 'interface', 'controller', 'video', 'input', 'rng', 'memballoon'].flatMap(name =>
    nodesAt(domain, 'devices', name),
  )
const isThroughIommu = (device: XmlNode) => nodesAt(device, 'driver').some(driver => driver.attributes.iommu === 'on')

describe('encrypted memory', () => {
  test('the guest is started with what the processor needs, its memory stays, its virtio devices use the IOMMU', () => {
    for (const [model, policy] of [
      [undefined, '0x0033'],
      ['amd-sev', '0x0033'],
      ['amd-sev-es', '0x0037'],
    ] as const) {
      const xml = domainXml(sampleSpec(wish(model)), host)
      const domain = parseXml(xml)
      const [security] = nodesAt(domain, 'launchSecurity')
      assert.equal(security?.attributes.type, 'sev')
      const told = Object.fromEntries(security?.children.map(({ name, text }) => [name, text.trim()]) ?? [])
      assert.deepEqual(told, { cbitpos: '47', reducedPhysBits: '1', policy })
      assert.equal(nodesAt(domain, 'memoryBacking', 'locked').length, 1)
      const shown = devicesOf(domain)
      const names = new Set(shown.filter(isThroughIommu).map(({ name }) => name))
      assert.deepEqual([...names], ['disk', 'interface', 'video', 'input', 'rng', 'memballoon'])
      // One driver element each: what else it says stays.
      for (const device of shown) assert.ok(nodesAt(device, 'driver').length <= 1, device.name)
      isByTheSchema(xml)
    }
  })

  test('a guest that asks for none is as before', () => {
    const plain = domainXml(sampleSpec({ properties: wish().properties ?? {} }), host)
    assert.doesNotMatch(plain, /launchSecurity|iommu|<locked/)
  })

  test('NICs and disks that come later use it too', () => {
    const spec = sampleSpec(wish())
    const [vif] = spec.vifs
    assert.ok(vif)
    assert.match(renderXml(throughIommu(guestVifElement(vif, spec, host))), /<driver[^>]* iommu="on"/)
    const e1000 = { ...spec, image: { ...spec.image, properties: { hw_vif_model: 'e1000' } } }
    assert.doesNotMatch(renderXml(throughIommu(guestVifElement(vif, e1000, host))), /iommu/)
  })

  test('what the processor has not is refused', () => {
    const refuses = (model: string | undefined, inner: string | undefined, message: RegExp) => {
      const found = inner === undefined ? {} : sevOf(capabilities(inner))
      const there = sampleHost({ virtType: 'kvm', ...found })
      assert.throws(() => mustSuit(sampleSpec(wish(model)), there), { message })
    }
    refuses(undefined, undefined, /<sev> feature/)
    refuses('amd-sev-es', epyc, /SEV-ES/)
    refuses('amd-sev-snp', epyc, /SEV-SNP/)
    mustSuit(sampleSpec(wish('amd-sev-es')), host)
    assert.deepEqual(
      sevOf(parseXml("<domainCapabilities><features><sev supported='no'/></features></domainCapabilities>")),
      {},
    )
  })

  test('placement is told how many there can be', () => {
    const total = (most: number | null, inner: string) =>
      encryptionContexts(sevOf(capabilities(inner)).sev, most)['MEM_ENCRYPTION_CONTEXT']?.total
    assert.deepEqual([total(null, epyc), total(16, epyc), total(0, epyc)], [59, 16, undefined])
    assert.equal(total(null, '<cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits>'), 2 ** 31 - 1)
    assert.deepEqual(encryptionContexts(undefined, 16), {})
  })
})

/** libvirt's own, of the version that is here. */
function isByTheSchema(xml: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'nova-sev-'))
  try {
    const file = join(folder, 'domain.xml')
    writeFileSync(file, xml)
    execFileSync('virt-xml-validate', [file, 'domain'], { stdio: 'pipe' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
