import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sshByPassword, type TestCloud } from './cloud.ts'

/** A server with a config drive: what its guest finds there, and where its password is not. */

const source = 'guest: metadata source config-drive /dev/sr0 iso9660'
const motd = 'welcome to a driven guest\n'

export function configDriveTests(cloud: TestCloud): void {
  let id = ''
  let address = ''
  let password = ''

  const file = (name: string, content: string): string => {
    const path = join(cloud.stateDir, name)
    writeFileSync(path, content)
    return path
  }

  test('its guest finds host name, key and user data on the drive', async () => {
    await cloud.whenImage('cirros')
    const userData = file('user-data.sh', '#!/bin/sh\necho "user data runs on $(hostname)"\n')
    const wanted = ['--flavor', 'm1.micro', '--network', 'private', '--image', 'cirros', '--key-name', 'first']
    const told = ['--config-drive', 'True', '--user-data', userData, '--file', `/etc/motd=${file('motd', motd)}`]
    const created = await cloud.json<{ id: string; adminPass: string }>(
      'server',
      'create',
      ...wanted,
      ...told,
      'driven',
    )
    id = created.id
    password = created.adminPass
    const server = await cloud.whenStatus('driven', 'ACTIVE')
    address = Object.values(server.addresses)[0]?.[0] ?? ''
    await cloud.whenConsole(id, 'guest: ready')
    const console = cloud.consoleLog(id)
    for (const line of [source, 'guest: hostname driven', 'guest: ssh-keys 1', 'guest: admin_pass set']) {
      assert.ok(console.includes(line), `${line} is missing in ${console}`)
    }
    assert.match(console, /^user data runs on driven/m)
    assert.equal(await cloud.openstack('server', 'show', 'driven', '-f', 'value', '-c', 'config_drive'), 'True')
  })

  test('key and password open it, and injected files lie on the drive', async () => {
    assert.equal(await cloud.ssh(address, 'hostname'), 'driven')
    assert.match(password, /^\w{12}$/)
    assert.equal(await sshByPassword(address, password, 'id -un'), 'cirros')
    await assert.rejects(sshByPassword(address, `not ${password}`, 'id -un'))
    const read = 'sudo mkdir -p /tmp/drive && sudo mount -o ro /dev/sr0 /tmp/drive && cat /tmp/drive/openstack'
    assert.equal(await cloud.ssh(address, `${read}/content/0000`), motd.trim())
    const metaData = JSON.parse(await cloud.ssh(address, 'cat /tmp/drive/openstack/latest/meta_data.json'))
    assert.deepEqual(metaData.files, [{ path: '/etc/motd', content_path: '/content/0000' }])
    assert.equal(metaData.admin_pass, password)
    const network = JSON.parse(await cloud.ssh(address, 'cat /tmp/drive/openstack/latest/network_data.json'))
    assert.equal(network.networks.length, 1)
  })

  test('the password is on the drive alone', () => {
    assert.ok(!cloud.log().includes(password))
    assert.ok(!cloud.consoleLog(id).includes(password))
    const database = new DatabaseSync(join(cloud.stateDir, 'nova.sqlite'), { readOnly: true })
    try {
      const tables = database.prepare(`select name from sqlite_master where type = 'table'`).all()
      assert.ok(tables.some(table => table.name === 'launch_secrets'))
      for (const { name } of tables) {
        const rows = JSON.stringify(database.prepare(`select * from ${String(name)}`).all())
        assert.ok(!rows.includes(password), `the password is in ${String(name)}`)
      }
    } finally {
      database.close()
    }
  })

  test('the drive stays over a stop and a start', async () => {
    const api = await cloud.api()
    await api.call('compute', 'POST', `/servers/${id}/action`, { 'os-stop': null })
    await cloud.whenStatus('driven', 'SHUTOFF')
    await api.call('compute', 'POST', `/servers/${id}/action`, { 'os-start': null })
    await cloud.whenStatus('driven', 'ACTIVE')
    await cloud.whenConsole(id, 'guest: boot-count 2')
    await cloud.whenConsole(id, source)
  })

  test('an image may insist on a drive', async () => {
    await cloud.openstack('image', 'set', '--property', 'img_config_drive=mandatory', 'cirros')
    await cloud.openstack(
      'server',
      'create',
      '--flavor',
      'm1.micro',
      '--network',
      'private',
      '--image',
      'cirros',
      'told',
    )
    const told = await cloud.whenStatus('told', 'ACTIVE')
    assert.ok(existsSync(join(cloud.stateDir, 'instances', told.id, 'disk.config')))
    assert.equal(await cloud.openstack('server', 'show', 'told', '-f', 'value', '-c', 'config_drive'), 'True')
    await cloud.openstack('image', 'set', '--property', 'img_config_drive=optional', 'cirros')
    await cloud.openstack('server', 'delete', '--wait', 'told')
  })

  test('and goes with the server', async () => {
    const folder = join(cloud.stateDir, 'instances', id)
    assert.ok(existsSync(join(folder, 'disk.config')))
    await cloud.openstack('server', 'delete', '--wait', 'driven')
    assert.ok(!existsSync(folder))
  })
}
