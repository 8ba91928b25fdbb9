/** Both images, built once into the common cache, boot and behave as CirrOS does. Each boot takes 2-6 s of emulation. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { buildStockImage, buildTinyImage, type GuestImage, guestCache } from '#guest'
import { instanceUuid, makeConfigDrive, makeKey, metaDocument } from './documents.ts'
import { logIn, type Machine, ssh, startMachine } from './machine.ts'

const cacheDir = guestCache()

for (const kind of ['stock', 'tiny'] as const) {
  describe(`${kind} image with a config drive`, () => {
    let image: GuestImage
    let folder: string
    let machine: Machine
    let key: string

    before(async () => {
      image = await { stock: buildStockImage, tiny: buildTinyImage }[kind]({ cacheDir })
      folder = await mkdtemp(join(tmpdir(), 'guest-documents-'))
      const made = await makeKey(folder)
      key = made.file
      const userData = '#!/bin/sh\necho "hello from user data as $(id -u)"\n'
      const files = { 'meta_data.json': metaDocument(made.publicKey, 'drive-vm'), user_data: userData }
      const configDrive = await makeConfigDrive(folder, files)
      machine = await startMachine({ image: image.path, memoryMiB: image.minRamMiB, configDrive })
    })
    after(async () => {
      await machine?.close()
      await rm(folder, { recursive: true, force: true })
    })

    test('is described for an image service', () => {
      assert.equal(image.minRamMiB, { stock: 96, tiny: 64 }[kind])
      assert.equal(image.minDiskGiB, 1)
      assert.match(image.md5, /^[0-9a-f]{32}$/)
      assert.ok(image.sizeBytes < image.virtualSizeBytes)
    })

    test('says on the console what it found', async () => {
      await machine.waitForText(/guest: ready uptime=[\d.]+/)
      const lines = machine.console()
      assert.match(lines, /guest: userspace uptime=/)
      assert.match(lines, /guest: boot-count 1\r/)
      assert.match(lines, /guest: disk vda bytes=1073741824 ro=0 serial=root-1\r/)
      assert.match(lines, /guest: smbios vendor=QEMU .* uuid=6ff0e8a4-8f3c-4e1e-a5a4-000000000001\r/)
      assert.match(lines, /guest: dhcp eth0 ip=10\.0\.2\.15\/24 /)
      assert.match(lines, /guest: metadata source config-drive \/dev\/sr0 iso9660 uptime=/)
      assert.match(lines, /guest: hostname drive-vm\.novalocal\r/)
      assert.match(lines, /guest: ssh-keys 1\r/)
      assert.match(lines, /hello from user data as 0\r\n.*guest: user_data exit=0/s)
      assert.doesNotMatch(lines, /c2VjcmV0/, 'secrets stay off the console')
    })

    test('lets cirros log in on the serial console and become root by sudo', async () => {
      await machine.waitForText("login as 'cirros' user. default password: 'gocubsgo'. use 'sudo' for root.")
      assert.match(machine.console(), /guest: root grown vda2 bytes=\d+ result=0 /)
      const sh = await logIn(machine)
      assert.equal(await sh('id -un; hostname; pwd'), 'cirros\ndrive-vm\n/home/cirros')
      assert.equal(await sh('id -u; sudo id -u; sudo -u nobody id -un'), '1000\n0\nnobody')
      assert.equal(
        await sh('sudo sh -c "echo \\$HOME"; echo pass | sudo tee /root/x; sudo cat /root/x'),
        '/root\npass\npass',
      )
      assert.match(await sh('sudo true && cat /etc/shadow'), /Permission denied/)
      assert.match(await sh('blkid | grep -i config-2'), /^\/dev\/sr0:/)
      assert.match(await sh('lsblk -lb --nodeps'), /vda +\d+:0 +0 +1073741824 +0 disk/)
      assert.match(await sh('df -m / | tail -1'), / (9\d\d|10\d\d) /, 'the root file system has the size of the disk')
      assert.match(await sh('cat /var/run/udhcpc.eth0.pid'), /^\d+$/)
      assert.match(await sh('ping -c 1 127.0.0.1'), /1 packets received/)
    })

    test('accepts the key and the password over ssh', async () => {
      assert.equal(await ssh(machine, key, 'id -un; sudo id -un'), 'cirros\nroot')
      assert.equal(await ssh(machine, undefined, 'PATH=$PATH:/sbin; set -eu -o pipefail; hostname'), 'drive-vm')
    })

    test('shuts down at the power button', async () => {
      const from = machine.console().length
      await machine.qmp('system_powerdown')
      assert.equal(await machine.ended, 0)
      assert.match(machine.console().slice(from), /guest: acpi power button\r\n[^]*guest: shutdown uptime=/)
    })
  })
}

describe('tiny image with a metadata service', () => {
  const asked: string[] = []
  let documents: Record<string, string> = {}
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const document = documents[request.url ?? '']
    response.writeHead(document === undefined ? 404 : 200, { connection: 'close' }).end(document)
  })
  let folder: string
  let image: GuestImage
  let publicKey: string
  const machines: Machine[] = []

  before(async () => {
    image = await buildTinyImage({ cacheDir })
    folder = await mkdtemp(join(tmpdir(), 'guest-documents-'))
    publicKey = (await makeKey(folder)).publicKey
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  after(async () => {
    for (const machine of machines) await machine.close()
    server.close()
    await rm(folder, { recursive: true, force: true })
  })
  const start = async () => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the metadata service has no port')
    const relay = `cmd:${process.execPath} ${join(import.meta.dirname, 'relay.ts')} ${address.port}`
    const network = `net=169.254.169.0/24,guestfwd=tcp:169.254.169.254:80-${relay}`
    const machine = await startMachine({ image: image.path, memoryMiB: image.minRamMiB, network })
    machines.push(machine)
    return machine
  }

  test('reads the OpenStack tree, runs user data once per instance, reboots', async () => {
    const latest = '/openstack/latest'
    documents = {
      [`${latest}/meta_data.json`]: metaDocument(publicKey, 'net-vm'),
      [`${latest}/network_data.json`]: '{"links": [], "networks": [], "services": []}',
      [`${latest}/vendor_data2.json`]: '{"static": {}}',
      [`${latest}/user_data`]: '#!/bin/sh\necho "user data ran"\n',
      '/latest/meta-data/instance-id': 'i-00000007',
      '/latest/meta-data/local-ipv4': '169.254.169.15',
    }
    const machine = await start()
    await machine.waitForText('guest: ready')
    assert.match(machine.console(), /guest: metadata source metadata-service try=0 uptime=/)
    assert.match(machine.console(), /guest: ec2 instance-id i-00000007\r/)
    assert.match(machine.console(), /guest: hostname net-vm\.novalocal\r/)
    assert.match(machine.console(), new RegExp(`guest: uuid ${instanceUuid}\r`))
    assert.match(machine.console(), /guest: ssh-keys 1\r/)
    assert.match(machine.console(), /user data ran\r/)
    await logIn(machine)
    const rebooted = machine.console().length
    machine.type('sudo reboot')
    await machine.waitForText('guest: boot-count 2', rebooted)
    await machine.waitForText('guest: ready', rebooted)
    assert.doesNotMatch(machine.console().slice(rebooted), /user data ran/)
  })

  test('falls back to the EC2 tree', async () => {
    asked.length = 0
    documents = {
      '/latest/meta-data/instance-id': 'i-00000008',
      '/latest/meta-data/local-ipv4': '169.254.169.15',
      '/latest/meta-data/local-hostname': 'ec2-vm.novalocal',
      '/latest/meta-data/public-keys/0/openssh-key': publicKey,
    }
    const machine = await start()
    await machine.waitForText('guest: ready')
    assert.match(machine.console(), /guest: metadata source metadata-service-ec2 try=0/)
    assert.match(machine.console(), /guest: hostname ec2-vm\.novalocal\r/)
    assert.match(machine.console(), /guest: ssh-keys 1\r/)
    assert.equal(asked[0], '/openstack/latest/meta_data.json')
  })
})

test('tiny image takes static addresses from a config drive', async t => {
  const image = await buildTinyImage({ cacheDir })
  const folder = await mkdtemp(join(tmpdir(), 'guest-documents-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { file, publicKey } = await makeKey(folder)
  const route = { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.2.2' }
  const address = { ip_address: '10.0.2.15', netmask: '255.255.255.0', routes: [route] }
  const network = {
    id: 'network0',
    type: 'ipv4',
    link: 'tap1',
    ...address,
    services: [{ type: 'dns', address: '10.0.2.3' }],
  }
  const configDrive = await makeConfigDrive(folder, {
    'meta_data.json': metaDocument(publicKey, 'static-vm'),
    'network_data.json': JSON.stringify({
      links: [{ id: 'tap1', type: 'ovs', mtu: null, ethernet_mac_address: '52:54:00:12:34:56' }],
      networks: [network],
      services: [],
    }),
  })
  const machine = await startMachine({ image: image.path, memoryMiB: image.minRamMiB, configDrive })
  t.after(() => machine.close())
  await machine.waitForText('guest: ready')
  assert.match(machine.console(), /guest: static eth0 ip=10\.0\.2\.15\/24/)
  assert.doesNotMatch(machine.console(), /guest: dhcp/)
  const seen = await ssh(machine, file, 'ip route | grep default; cat /etc/resolv.conf')
  assert.equal(seen, 'default via 10.0.2.2 dev eth0 \nnameserver 10.0.2.3')
})
