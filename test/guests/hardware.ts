import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { waitFor } from '#base'
import type { TestCloud } from './cloud.ts'

/** What flavors and images ask for, through the API into the guest: one guest, many looks at it. */
export function hardwareTests(cloud: TestCloud): void {
  test('a TPM, the processors it asked for, and a NIC under the name that its owner gave it', async () => {
    const api = await cloud.api()
    const keys = join(cloud.stateDir, 'secrets')
    const secrets = () => (existsSync(keys) ? readdirSync(keys).sort() : [])
    const before = secrets()
    const first = await cloud.server('first')
    const { networks } = await api.call<{ networks: { id: string; name: string }[] }>(
      'network',
      'GET',
      '/v2.0/networks',
    )
    const flavor = { id: 'safe', name: 'safe', ram: 128, vcpus: 2, disk: 1 }
    await api.call('compute', 'POST', '/flavors', { flavor })
    const extra_specs = {
      'hw:tpm_version': '2.0',
      'hw:tpm_model': 'tpm-crb',
      'hw:cpu_max_sockets': '1',
      'trait:HW_CPU_X86_AVX2': 'required',
    }
    await api.call('compute', 'POST', '/flavors/safe/os-extra_specs', { extra_specs })
    const wish = {
      name: 'safe',
      flavorRef: 'safe',
      imageRef: first.image.id,
      key_name: 'first',
      networks: [{ uuid: networks.find(({ name }) => name === 'private')?.id ?? networks[0]?.id, tag: 'inside' }],
    }
    const made = await api.call<{ server: { id: string } }>('compute', 'POST', '/servers', { server: wish })
    const { id, addresses } = await api.whenActive(made.server.id)
    assert.deepEqual(secrets().length, before.length + 1)
    await cloud.whenConsole(id, 'guest: tpm version=2')
    await cloud.whenConsole(id, 'guest: ready')

    const inside = (command: string) => cloud.ssh(Object.values(addresses).flat()[0]?.addr ?? '', command)
    const nic = await inside('basename $(readlink -f /sys/class/net/eth0/device/..)')
    const document = await inside('wget -qO- http://169.254.169.254/openstack/latest/meta_data.json')
    const { devices } = JSON.parse(document) as { devices: { tags?: string[]; address: string }[] }
    assert.deepEqual(
      devices.map(({ tags, address }) => [tags, address]),
      [[['inside'], nic]],
    )
    assert.match(await inside('grep -m1 flags /proc/cpuinfo'), / avx2 /)
    assert.equal(await inside('sort -u /sys/devices/system/cpu/cpu*/topology/physical_package_id'), '0')

    const { num_cpus, nic_details, memory_details } = await api.call<{
      num_cpus: number
      nic_details: { rx_octets: number }[]
      memory_details: { maximum: number }
    }>('compute', 'GET', `/servers/${id}/diagnostics`)
    assert.deepEqual([num_cpus, memory_details.maximum], [2, 128])
    assert.ok((nic_details[0]?.rx_octets ?? 0) > 0)

    await api.call('compute', 'DELETE', `/servers/${id}`)
    await waitFor('the server to be gone', () => api.isGone('compute', `/servers/${id}`), { deadlineMs: 60_000 })
    assert.deepEqual(secrets(), before)
    assert.equal(existsSync(join(cloud.stateDir, 'libvirt/lib/swtpm', id)), false)
  })
}
