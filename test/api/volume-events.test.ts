/** What the volume service tells Nova, and asks it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '#base'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

/** A server with a volume; both ids. */
async function serverWithVolume(): Promise<{ server: string; volume: string }> {
  const server = await cloud.bootServer()
  const volume = await cloud.newVolume()
  const body = { volumeAttachment: { volumeId: volume } }
  ;(await cloud.request('POST', `/servers/${server}/os-volume_attachments`, { version: '2.100', body })).expect(200)
  await cloud.volumeIs(volume, 'in-use')
  return { server, volume }
}

test('a volume extended in use: the server’s host hears of it, as an action of the server', async () => {
  const { server, volume } = await serverWithVolume()
  await cloud.cinder('POST', `/volumes/${volume}/action`, { 'os-extend': { new_size: 3 } })
  assert.equal((await cloud.volumeIs(volume, 'in-use')).size, 3)
  const action = await waitFor(
    'the action',
    async () => {
      const path = `/servers/${server}/os-instance-actions`
      const { instanceActions } = (await cloud.request('GET', path, { version: newest })).expect(200).body
      return instanceActions.find((a: Json) => a.action === 'extend_volume') as Json
    },
    { deadlineMs: 60_000 },
  )
  assert.equal(action.message, null)
})

test('what a server uses is taken away by the Compute API alone', async () => {
  const { server, volume } = await serverWithVolume()
  const { attachments } = await cloud.cinder('GET', '/attachments')
  const mine = attachments.find((a: Json) => a.volume_id === volume)
  await assert.rejects(cloud.cinder('DELETE', `/attachments/${mine.id}`), /409.*Detach volume from instance/)
  await assert.rejects(cloud.cinder('POST', `/volumes/${volume}/action`, { 'os-detach': null }), /409/)
  ;(await cloud.request('DELETE', `/servers/${server}/os-volume_attachments/${volume}`)).expect(202)
  await cloud.volumeIs(volume, 'available')
})
