import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  const other = await cloud.newNetwork('other', '10.8.0.0/24')
  id = await cloud.bootServer({
    fields: {
      networks: [
        { uuid: cloud.networkId, fixed_ip: '10.7.0.20' },
        { uuid: other, fixed_ip: '10.8.0.30' },
      ],
    },
  })
})
after(() => cloud.close())

const get = (path: string, ask = {}) => cloud.request('GET', `/servers/${id}/ips${path}`, ask)

test('addresses by network, without the words of extensions', async () => {
  const { addresses } = (await get('')).expect(200).body
  assert.deepEqual(addresses, {
    private: [{ version: 4, addr: '10.7.0.20' }],
    other: [{ version: 4, addr: '10.8.0.30' }],
  })
  const shown: Json = (await cloud.server(id)).addresses.private[0]
  assert.equal(shown['OS-EXT-IPS:type'], 'fixed')
  assert.match(shown['OS-EXT-IPS-MAC:mac_addr'], /^fa:16:3e:/)
})

test('one network', async () => {
  assert.deepEqual((await get('/other')).expect(200).body, { other: [{ version: 4, addr: '10.8.0.30' }] })
  for (const name of ['nothing', 'constructor'])
    (await get(`/${name}`)).refuses(404, 'Instance is not a member of specified network')
})

test('rights and unknown query keys', async () => {
  ;(await get('', { as: cloud.reader })).expect(200)
  ;(await get('', { as: cloud.stranger })).refuses(404, `Instance ${id} could not be found.`)
  ;(await get('?x=1', { version: '2.101' })).expect(200)
  ;(await get('?x=1', { version: '2.102' })).expect(400)
})
