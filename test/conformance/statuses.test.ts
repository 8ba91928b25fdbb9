import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { resources } from '#api'
import { type Described, describe as described, minor, type VersionText } from '#api/kit'
import { nameless, routeOf } from './reference.ts'

/** The statuses that each operation's own errors have in Nova; in front of it there are 400, 401, 403, 404, 406, 413 and 415 besides. */
const statuses: ReadonlyMap<string, readonly number[]> = new Map(
  Object.entries(
    JSON.parse(readFileSync(join(import.meta.dirname, 'reference', 'statuses.json'), 'utf8')) as Record<
      string,
      number[]
    >,
  ).map(([route, codes]) => [nameless(route), codes]),
)

/** Errors of ours that Nova does not list: what it meets there unprepared is its 500, or depends on its neighbour. */
const ours: Readonly<Record<string, readonly [number, ...number[]]>> = {
  // Nova lets every Forbidden of the volume service through as 403, listed or not; the rest of what Cinder refuses is a 500.
  'GET /os-volumes': [400, 403],
  'GET /os-volumes/detail': [400, 403],
  'GET /os-volumes/{}': [403],
  'DELETE /os-volumes/{}': [403],
  'GET /os-snapshots': [400, 403],
  'GET /os-snapshots/detail': [400, 403],
  'GET /os-snapshots/{}': [403],
  'DELETE /os-snapshots/{}': [400, 403],
  'POST /os-snapshots': [404],
  'PUT /servers/{}/os-volume_attachments/{}': [403],
  // An offset that is no number: a 500 where the schema lets it through.
  'GET /servers/{}/os-volume_attachments': [400],
  // What Neutron forbids or does not find behind the proxies is raised as it is: a 500.
  'POST /os-security-groups': [404],
  'PUT /os-security-groups/{}': [403],
  'DELETE /os-security-groups/{}': [403],
  'DELETE /os-security-group-rules/{}': [403],
  // The lock is looked at, its refusal not caught.
  'POST /servers/{}/action addFixedIp': [409],
  'POST /servers/{}/action removeFixedIp': [409],
  // The quota is looked at again, its refusal not caught.
  'POST /servers/{}/action revertResize': [403],
  'POST /os-volumes_boot/{}/action revertResize': [403],
  // Glance may refuse the rest of the metadata.
  'DELETE /images/{}/metadata/{}': [400],
  // X.509 pairs are made by the openssl program, which may not be there.
  'POST /os-keypairs': [501],
  // The old name's table is older than the server's.
  'PUT /os-volumes_boot/{}': [409],
}

function declared(operation: Described): number[] {
  const versions = operation.versions.flat().map(text => minor(text as VersionText))
  return [...new Set(versions.flatMap(version => Object.values(operation.faultsAt(version))))]
}

for (const operation of described(resources)) {
  const route = routeOf(operation)
  const listed = statuses.get(route)
  if (listed === undefined) continue
  test(`${route} has Nova's errors`, () => {
    const more = declared(operation).filter(status => !listed.includes(status))
    assert.deepEqual(more.sort(), ours[route] ?? [])
  })
}
