import type { Json } from '../../../api/harness.ts'
import { type Sample, samples } from '../../reference.ts'
import type { Prepare } from '../preparations.ts'
import type { World } from '../world.ts'

const minorOf = ({ microversion }: Sample): number => Number(microversion.slice(2))

/** A volume that the server has, and one that could take its place. */
const withVolume: Prepare = async (world, scene, sample) => {
  const id = await world.server()
  scene.ids['servers'] = id
  scene.ids['os-volume_attachments'] = await world.attached(id, minorOf(sample) >= 49 ? { tag: 'foo' } : {})
  const path = `/servers/${id}/os-volume_attachments/${scene.ids['os-volume_attachments']}`
  scene.ids['device'] = (await world.ask('GET', path)).expect(200).body.volumeAttachment.device
  const keepsVolume = sample.file.includes('delete-flag') || sample.path === '/os-assisted-volume-snapshots'
  scene.ids['new volume'] = keepsVolume ? scene.ids['os-volume_attachments'] : await world.volume()
}

const withInterface: Prepare = async (world, scene) => {
  const id = await world.server()
  const { interfaceAttachments } = (await world.ask('GET', `/servers/${id}/os-interface`)).expect(200).body
  scene.ids['servers'] = id
  scene.ids['os-interface'] = interfaceAttachments[0].port_id
}

/** Actions with events, of a server that was stopped and started; another user of the project sees less. */
const withHistory: Prepare = async (world, scene, sample) => {
  const id = await world.server()
  await world.act(id, { 'os-stop': null }, 'SHUTOFF')
  await world.act(id, { 'os-start': null }, 'ACTIVE')
  scene.ids['servers'] = id
  const list = (await world.ask('GET', `/servers/${id}/os-instance-actions`)).expect(200).body.instanceActions
  scene.ids['os-instance-actions'] = list[0].request_id
  if (sample.file.includes('non-admin')) scene.isPlainUser = true
  if (sample.file.includes('limit')) scene.query = '?limit=1'
  if (sample.file.includes('since')) scene.query = '?changes-since=2016-01-29T13:42:02Z'
  if (sample.file.includes('before')) scene.query = '?changes-before=2100-01-29T13:42:02Z'
  if (sample.file.includes('marker')) scene.query = `?marker=${list[0].request_id}`
}

const withTags: Prepare = async (world, scene, sample) => {
  const id = await world.server()
  ;(await world.ask('PUT', `/servers/${id}/tags`, { body: { tags: ['tag1', 'tag2'] } })).expect(200)
  scene.ids['servers'] = id
  scene.ids['tags'] = sample.method === 'PUT' ? 'tag3' : 'tag1'
}

const token: Prepare = async (world, scene, sample) => {
  const id = await world.server()
  const isDirect = minorOf(sample) >= 99
  const remote_console = isDirect ? { protocol: 'spice', type: 'spice-direct' } : { protocol: 'serial', type: 'serial' }
  const made = await world.ask('POST', `/servers/${id}/remote-consoles`, { body: { remote_console } })
  const { url } = made.expect(200).body.remote_console
  scene.ids['os-console-auth-tokens'] = new URL(url).searchParams.get('token') ?? ''
}

/** What a reply shows of servers that only administrators see. */
const forPlainUsers = (sample: Sample): boolean => !JSON.stringify(sample.document).includes('OS-EXT-SRV-ATTR:host"')

const serverIn = (sample: Sample): Json => {
  const document = sample.document as Json
  return document?.server ?? document?.servers?.[0]
}

/** Servers as the list samples show them: of some, the first page only. */
const listed: Prepare = async (world, scene, sample) => {
  const since = new Date().toISOString()
  await world.serverLike(serverIn(sample))
  await world.serverLike(serverIn(sample))
  if (sample.path.endsWith('/detail')) scene.isPlainUser = forPlainUsers(sample)
  const query: string[] = []
  if (sample.file.includes('sort-keys')) query.push('sort_key=display_name', 'sort_dir=asc')
  if (sample.file.includes('changes-before'))
    query.push(`changes-since=${since}`, 'changes-before=2100-01-29T13:42:02Z')
  if (JSON.stringify(sample.document).includes('servers_links')) query.push('limit=1')
  scene.query = query.length === 0 ? '' : `?${query.join('&')}`
}

const shown: Prepare = async (world, scene, sample) => {
  scene.isPlainUser = forPlainUsers(sample)
  scene.ids['servers'] = sample.file.endsWith('-rescue.json')
    ? await rescued(world)
    : await world.serverLike(serverIn(sample))
}

/** PUT shows what GET shows, from 2.75 on. */
const updated: Prepare = async (world, scene, sample) => {
  const reply = samples.find(
    other => other.kind === 'response' && other.method === 'PUT' && other.file.replace('-resp', '-req') === sample.file,
  )
  scene.isPlainUser = minorOf(sample) >= 75 && reply !== undefined && forPlainUsers(reply)
  scene.ids['servers'] = await world.serverLike(reply === undefined ? undefined : serverIn(reply))
}

/** Servers under the names that the samples give; zones of theirs exist here. */
const boot: Prepare = async (world, scene, sample) => {
  const { server } = sample.document as { server: Record<string, unknown> }
  const hints = (sample.document as Record<string, unknown>)['OS-SCH-HNT:scheduler_hints']
  if (hints !== undefined) scene.ids['os-server-groups'] = await world.serverGroup()
  if (JSON.stringify(server).includes('volume_type')) scene.ids['volume type'] = await world.volumeType()
}

const metadataKey: Prepare = async (world, scene, sample) => {
  scene.ids['servers'] = await world.server({ metadata: { foo: 'Foo Value', 'My Server Name': 'Apache1' } })
  scene.ids['metadata'] = Object.keys((sample.document as { meta?: object } | null)?.meta ?? {})[0] ?? 'foo'
}

const network: Prepare = async (world, scene) => {
  scene.ids['servers'] = await world.server()
  scene.ids['ips'] = 'private'
}

const event: Prepare = async (world, scene, sample) => {
  scene.ids['servers'] = await world.server()
  // The name of the sample is no event that Nova knows: its schema refuses it.
  const { events } = sample.document as { events: readonly Record<string, unknown>[] }
  scene.body = { events: events.map(one => ({ ...one, name: 'network-changed', server_uuid: scene.ids['servers'] })) }
}

async function rescued(world: World): Promise<string> {
  const id = await world.server()
  await world.act(id, { rescue: null }, 'RESCUE')
  return id
}

export const serverParts: Readonly<Record<string, Prepare>> = {
  'POST /servers': boot,
  'GET /servers': listed,
  'GET /servers/detail': listed,
  'GET /servers/{id}': shown,
  'PUT /servers/{id}': updated,
  'GET /servers/{server_id}/topology': async (world, scene, sample) => {
    scene.ids['servers'] = await world.server({ flavorRef: '6' })
    scene.isPlainUser = sample.file.includes('user')
  },
  'GET /servers/{server_id}/diagnostics': async (world, scene) => {
    scene.ids['servers'] = await world.server()
    scene.isMap = true
  },
  'GET /servers/{server_id}/os-volume_attachments': withVolume,
  'GET /servers/{server_id}/os-volume_attachments/{id}': withVolume,
  'PUT /servers/{server_id}/os-volume_attachments/{id}': withVolume,
  'DELETE /servers/{server_id}/os-volume_attachments/{id}': withVolume,
  'GET /servers/{server_id}/os-interface/{id}': withInterface,
  'DELETE /servers/{server_id}/os-interface/{id}': withInterface,
  'GET /servers/{server_id}/os-instance-actions': withHistory,
  'GET /servers/{server_id}/os-instance-actions/{id}': withHistory,
  'GET /servers/{server_id}/tags': withTags,
  'GET /servers/{server_id}/tags/{id}': withTags,
  'PUT /servers/{server_id}/tags/{id}': withTags,
  'GET /servers/{server_id}/metadata/{id}': metadataKey,
  'PUT /servers/{server_id}/metadata/{id}': metadataKey,
  'DELETE /servers/{server_id}/metadata/{id}': metadataKey,
  'DELETE /servers/{server_id}/tags/{id}': withTags,
  'GET /servers/{server_id}/ips/{id}': network,
  'GET /os-console-auth-tokens/{id}': token,
  'POST /os-server-external-events': event,
  'POST /os-assisted-volume-snapshots': withVolume,
}
