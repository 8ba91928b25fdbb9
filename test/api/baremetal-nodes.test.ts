import { after, before, test } from 'node:test'
import { type ApiCloud, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

test('without an Ironic the nodes are not supported, once policy has let the caller in', async () => {
  for (const [path, rule] of [
    ['/os-baremetal-nodes', 'list'],
    ['/os-baremetal-nodes/1', 'show'],
  ] as const) {
    ;(await cloud.request('GET', path, { as: cloud.admin })).refuses(
      501,
      'The requested functionality is not supported.',
    )
    ;(await cloud.request('GET', path)).refuses(
      403,
      `Policy doesn't allow os_compute_api:os-baremetal-nodes:${rule} to be performed.`,
    )
    ;(await cloud.request('GET', path, { as: cloud.admin, version: '2.35' })).expect(501)
    ;(await cloud.request('GET', path, { as: cloud.admin, version: '2.36' })).expect(404)
  }
})

test('changes are for Ironic', async () => {
  const words = (command: string) =>
    `Command Not supported. Please use Ironic command ${command} to perform this action.`
  const path = '/os-baremetal-nodes'
  ;(await cloud.request('POST', path, { body: {} })).refuses(400, words('node-create'))
  ;(await cloud.request('DELETE', `${path}/1`)).refuses(400, words('node-delete'))
  const action = (key: string) => cloud.request('POST', `${path}/1/action`, { body: { [key]: { address: 'x' } } })
  ;(await action('add_interface')).refuses(400, words('port-create'))
  ;(await action('remove_interface')).refuses(400, words('port-delete'))
  ;(await cloud.request('DELETE', `${path}/1`, { version: '2.36' })).expect(404)
})
