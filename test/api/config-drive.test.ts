import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId } from '#base'
import { type ApiCloud, newest, startCloud } from './harness.ts'

/** force_config_drive, and passwords that the reply hides but the drive tells. */

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ settings: { forceConfigDrive: true, showsAdminPassword: false } })
})
after(() => cloud.close())

const server = (fields: Readonly<Record<string, unknown>> = {}) => ({
  server: {
    name: 'forced',
    imageRef: cloud.imageId,
    flavorRef: cloud.flavorId,
    networks: [{ uuid: cloud.networkId }],
    ...fields,
  },
})

test('the operator insists: nobody gets a server without a drive', async () => {
  const id = await cloud.bootServer({ fields: { config_drive: false } })
  assert.equal((await cloud.server(id)).config_drive, 'True')
  assert.equal((await cloud.driver.guest(instanceId(id)).diagnostics()).configDrive, true)
  const console = await cloud.driver.consoleLog.read(instanceId(id))
  assert.ok(console.includes('guest: metadata source config-drive /dev/sr0 iso9660'))
  assert.equal(await cloud.store.launchSecrets.find(id), undefined)
})

test('a password that the API does not show is no part of the reply', async () => {
  const body = server({ adminPass: 'gocubsgo' })
  const created = (await cloud.request('POST', '/servers', { version: newest, body })).expect(202)
  assert.equal(created.body.server.adminPass, undefined)
  await cloud.waitForStatus(created.body.server.id, 'ACTIVE')
})

test('injected files are taken before 2.57', async () => {
  const personality = [{ path: '/etc/motd', contents: Buffer.from('hello').toString('base64') }]
  const body = server({ personality })
  const { id } = (await cloud.request('POST', '/servers', { version: '2.56', body })).expect(202).body.server
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.equal(await cloud.store.launchSecrets.find(id), undefined)
})
