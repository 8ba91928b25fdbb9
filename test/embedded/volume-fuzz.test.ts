/** Whatever a client sends to the volume API, the answer is not a 500. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { newUuid, waitFor } from '#base'
import { adminToken, type Cloud, call, newFolder, removeFolder, startCloud } from './kit.ts'

const folder = newFolder()
let cloud: Cloud
let token: string
let volumeId: string
let snapshotId: string
let typeId: string
let attachmentId: string
before(async () => {
  cloud = await startCloud({ folder })
  token = await adminToken(cloud)
  const { port } = cloud.volume
  const caller = await cloud.identity.port.validate(token)
  volumeId = (await port.create(caller, { name: 'v', sizeGiB: 1 })).id
  await waitFor('it', async () => ((await port.get(caller, volumeId)).status === 'available' ? true : undefined), {
    deadlineMs: 60_000,
  })
  snapshotId = (await port.createSnapshot(caller, { volumeId, name: 's', description: null, isForced: false })).id
  attachmentId = (await port.createAttachment(caller, { volumeId, serverId: newUuid() })).id
  typeId = (await port.listTypes(caller))[0]?.id ?? ''
})
after(async () => {
  await cloud.close()
  removeFolder(folder)
})

const actions =
  `os-attach os-detach os-reserve os-unreserve os-begin_detaching os-roll_detaching os-initialize_connection
  os-terminate_connection os-extend os-reset_status os-set_bootable os-update_readonly_flag os-volume_upload_image os-retype
  os-force_detach os-reimage os-migrate_volume os-migrate_volume_completion os-set_image_metadata os-unset_image_metadata
  os-show_image_metadata revert os-nothing __proto__ constructor`.split(/\s+/)

/** Method, path and the name of the object in the body. */
const routes = (): readonly (readonly [string, string, readonly string[]])[] => [
  ['POST', '/volumes', ['volume']],
  ['PUT', `/volumes/${volumeId}`, ['volume']],
  ['POST', `/volumes/${volumeId}/action`, actions],
  ['POST', `/volumes/${volumeId}/metadata`, ['metadata']],
  ['PUT', `/volumes/${volumeId}/metadata`, ['metadata']],
  ['PUT', `/volumes/${volumeId}/metadata/k`, ['meta']],
  ['POST', '/snapshots', ['snapshot']],
  ['PUT', `/snapshots/${snapshotId}`, ['snapshot']],
  ['POST', `/snapshots/${snapshotId}/action`, ['os-reset_status', 'os-update_snapshot_status', 'toString']],
  ['POST', '/attachments', ['attachment']],
  ['PUT', `/attachments/${attachmentId}`, ['attachment']],
  ['POST', `/attachments/${attachmentId}/action`, ['os-complete', 'x']],
  ['POST', '/types', ['volume_type']],
  ['PUT', `/types/${typeId}`, ['volume_type']],
  ['POST', `/types/${typeId}/extra_specs`, ['extra_specs']],
  ['PUT', `/types/${typeId}/extra_specs/a`, ['a']],
  ['POST', `/types/${typeId}/encryption`, ['encryption']],
  ['PUT', `/types/${typeId}/encryption/x`, ['encryption']],
  ['POST', `/types/${typeId}/action`, ['addProjectAccess', 'removeProjectAccess']],
  ['POST', '/qos-specs', ['qos_specs']],
  ['POST', '/volume-transfers', ['transfer']],
  ['POST', `/volume-transfers/${newUuid()}/accept`, ['accept']],
  ['PUT', '/os-quota-sets/x', ['quota_set']],
  ['PUT', '/os-quota-class-sets/x', ['quota_class_set']],
  ['PUT', '/default-types/x', ['default_type']],
  ['PUT', '/os-services/enable', ['binary', 'host']],
]

const fields = `name description size imageRef image_id snapshot_id source_volid volume_type availability_zone metadata
  volume_id force instance_uuid mountpoint mode connector attachment_id new_size status attach_status migration_status
  bootable readonly image_name disk_format container_format visibility new_type host new_volume error key keys volume_uuid
  extra_specs provider control_location key_size cipher project auth_key volumes gigabytes consumer display_name
  reimage_reserved snapshot_id progress`.split(/\s+/)

const scalar = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    2 ** 40,
    '',
    ' ',
    '1',
    'true',
    'raw',
    'error',
    'in-use',
    'detached',
  ),
  fc.string({ maxLength: 300 }),
  fc.uuid(),
)
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(fc.string({ maxLength: 8 }), scalar, { maxKeys: 3 }),
)
const inner = fc.oneof(value, fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 6 }))

test('bodies of any shape', async () => {
  const place = fc.record({ route: fc.nat(), name: fc.nat(), inner, version: fc.integer({ min: 0, max: 70 }) })
  await fc.assert(
    fc.asyncProperty(place, async ({ route, name, inner, version }) => {
      const all = routes()
      const [method, path, names] = all[route % all.length] ?? ['GET', '/volumes', ['x']]
      const body = JSON.parse(`{${JSON.stringify(names[name % names.length])}: ${JSON.stringify(inner)}}`) as unknown
      const headers = { 'openstack-api-version': `volume 3.${version}` }
      const reply = await call(method, `${cloud.volumeUrl}/v3${path}`, { token, body, headers })
      assert.ok(reply.status < 500, `${method} ${path} 3.${version} ${JSON.stringify(body)}: ${reply.text}`)
    }),
    { numRuns: 1500 },
  )
})

test('queries of any shape', async () => {
  const lists = [
    'volumes',
    'volumes/detail',
    'snapshots/detail',
    'attachments',
    'types',
    'messages',
    'volume-transfers',
  ]
  const names = `limit marker offset sort sort_key sort_dir all_tenants name name~ status metadata bootable created_at
    glance_metadata extra_specs is_public size with_count project_id volume_id usage detail __proto__`.split(/\s+/)
  const query = fc.array(
    fc.tuple(fc.constantFrom(...names), fc.oneof(fc.string(), fc.constantFrom('1', '-1', 'None', '{}', 'gt:x'))),
    {
      maxLength: 4,
    },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...lists),
      query,
      fc.integer({ min: 0, max: 70 }),
      async (list, pairs, version) => {
        const headers = { 'openstack-api-version': `volume 3.${version}` }
        const params = new URLSearchParams(pairs)
        const reply = await call('GET', `${cloud.volumeUrl}/v3/${list}?${params}`, { token, headers })
        assert.ok(reply.status < 500, `${list}?${params} 3.${version}: ${reply.text}`)
      },
    ),
    { numRuns: 500 },
  )
})
