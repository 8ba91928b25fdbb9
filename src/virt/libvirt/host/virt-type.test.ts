import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silentLog } from '#base'
import { chooseVirtType, whyNotKvm } from './virt-type.ts'

const all = { hasDevice: true, hasCpuFlag: true, hasModule: true }

describe('kvm or qemu', () => {
  test('KVM needs the device, the processor and the module', () => {
    assert.equal(whyNotKvm(all), undefined)
    assert.match(whyNotKvm({ ...all, hasDevice: false }) ?? '', /\/dev\/kvm/)
    assert.match(whyNotKvm({ ...all, hasCpuFlag: false }) ?? '', /vmx nor svm/)
    assert.match(whyNotKvm({ ...all, hasModule: false }) ?? '', /kvm_intel/)
  })

  test('auto follows the evidence, a choice of the operator stands', () => {
    assert.equal(chooseVirtType('auto', silentLog, all), 'kvm')
    assert.equal(chooseVirtType('auto', silentLog, { ...all, hasModule: false }), 'qemu')
    assert.equal(chooseVirtType('kvm', silentLog, { ...all, hasModule: false }), 'kvm')
    assert.equal(chooseVirtType('qemu', silentLog, all), 'qemu')
  })
})
