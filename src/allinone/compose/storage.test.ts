import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '#config'
import { ImagesTypeUnsupported, storageOptions } from './storage.ts'

const rootDisks = (type: 'default' | 'qcow2' | 'raw' | 'flat' | 'rbd' | 'lvm' | 'ploop', cow = true): unknown => {
  const overrides = { libvirt: { images_type: type }, DEFAULT: { use_cow_images: cow } }
  return storageOptions(loadConfig({ env: {}, overrides })).rootDisks
}

test('what kind of root disks nova.conf asks for', () => {
  assert.equal(rootDisks('default'), 'qcow2')
  assert.equal(rootDisks('default', false), 'flat')
  assert.equal(rootDisks('qcow2', false), 'qcow2')
  assert.equal(rootDisks('raw'), 'flat')
  assert.equal(rootDisks('flat'), 'flat')
})

test('kinds that this host does not have stop it at once', () => {
  for (const type of ['rbd', 'lvm', 'ploop'] as const) {
    assert.throws(
      () => rootDisks(type),
      error => ImagesTypeUnsupported.is(error) && (error as Error).message.includes(`images_type ${type} is not`),
    )
  }
})
