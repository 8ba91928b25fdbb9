import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { type ApiCloud, type Ask, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer()
})
after(() => cloud.close())

const at = (method: string, path = '', ask: Ask = {}) =>
  cloud.request(method, `/servers/${id}/shares${path}`, { version: newest, ...ask })

test('a cloud without Manila has no shares, and says so when one is asked for', async () => {
  const share = newUuid()
  const body = { share: { share_id: share, tag: 'data' } }
  ;(await at('GET')).expect(200)
  ;(await at('GET', '', { version: '2.96' })).expect(404)
  ;(await at('GET', '?limit=1')).expect(400)
  ;(await at('GET', `/${share}`)).refuses(404, `Share ${share} could not be found.`)
  ;(await at('POST', '', { body: { share: { share_id: 'x' } } })).expect(400)
  ;(await at('POST', '', { body })).refuses(409, `Cannot 'create share' instance ${id} while it is in vm_state active`)
  ;(await at('DELETE', `/${share}`)).refuses(409, `Cannot 'delete share' instance ${id} while it is in vm_state active`)
  ;(await cloud.request('POST', `/servers/${id}/action`, { body: { 'os-stop': null } })).expect(202)
  await cloud.waitForStatus(id, 'SHUTOFF')
  ;(await at('POST', '', { body, as: cloud.reader })).expect(403)
  ;(await at('POST', '', { body })).refuses(400, /^Connection to manila service failed: /)
  ;(await at('DELETE', `/${share}`)).refuses(404, `Share ${share} could not be found.`)
  ;(await at('GET', '', { as: cloud.stranger })).expect(404)
})
