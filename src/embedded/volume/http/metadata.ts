import { paramOf, sendJson } from '#http'
/** Metadata of volumes and of snapshots: the same routes, rules and words for both. */
import { changeVolume, mapOf, requireWriter, seenVolume } from '../core.ts'
import { Invalid, invalidVolume, Missing } from '../faults.ts'
import { changeSnapshot, seenSnapshot } from '../snapshots.ts'
import type { VolumeRow } from '../store/rows.ts'
import { Fields, jsonOf, textsOf } from './body.ts'
import { type Exchange, type Parts, route } from './exchange.ts'

type Texts = Record<string, string>

interface Owner {
  readonly path: string
  readonly rule: string
  readonly noKey: (key: string, id: string) => Error
  read(x: Exchange): Texts
  change(x: Exchange, next: (now: Texts) => Texts): Promise<Texts>
}

function requireUpdatable(row: VolumeRow): void {
  if (row.status !== 'maintenance' && row.status !== 'uploading') return
  throw invalidVolume(`Updating volume metadata is not allowed for volumes in ${row.status} status.`)
}

const volumes: Owner = {
  path: '/volumes',
  rule: 'volume',
  noKey: (key, id) => Missing({ reason: `Volume ${id} has no metadata with key ${key}.` }),
  read: x => mapOf(seenVolume(x.core, x.actor, x.id).metadata),
  async change(x, next) {
    seenVolume(x.core, x.actor, x.id)
    const row = await changeVolume(x.core, x.id, now => {
      requireUpdatable(now)
      return { ...now, metadata: JSON.stringify(next(mapOf(now.metadata))) }
    })
    return mapOf(row.metadata)
  },
}

const snapshots: Owner = {
  path: '/snapshots',
  rule: 'snapshot',
  noKey: (key, id) => Missing({ reason: `Snapshot ${id} has no metadata with key ${key}.` }),
  read: x => mapOf(seenSnapshot(x.core, x.actor, x.id).metadata),
  async change(x, next) {
    const row = await changeSnapshot(x.core, x.actor, x.id, now => ({
      ...now,
      metadata: JSON.stringify(next(mapOf(now.metadata))),
    }))
    return mapOf(row.metadata)
  },
}

const givenTexts = (x: Exchange): Texts => {
  const fields = new Fields('body', jsonOf(x.request)).only('metadata')
  return textsOf('metadata', Fields.of(fields.record, 'metadata').record)
}

async function setOne(owner: Owner, x: Exchange) {
  const { record } = Fields.of(new Fields('body', jsonOf(x.request)).only('meta').record, 'meta')
  const texts = textsOf('meta', record)
  const [key, ...more] = Object.keys(texts)
  if (key === undefined || more.length > 0) throw Invalid({ reason: 'Request body contains too many items' })
  if (key !== paramOf(x.request, 'key')) throw Invalid({ reason: 'Request body and URI mismatch' })
  owner.read(x)
  requireWriter(x.actor, `volume:update_${owner.rule}_metadata`)
  const all = await owner.change(x, now => ({ ...now, ...texts }))
  return sendJson(x.reply, 200, { meta: { [key]: all[key] } })
}

async function removeOne(owner: Owner, x: Exchange) {
  const key = paramOf(x.request, 'key')
  owner.read(x)
  requireWriter(x.actor, `volume:delete_${owner.rule}_metadata`)
  await owner.change(x, now => {
    if (now[key] === undefined) throw owner.noKey(key, x.id)
    const { [key]: _, ...rest } = now
    return rest
  })
  return x.reply.code(200).send()
}

function routesOf(parts: Parts, owner: Owner): void {
  const base = `${owner.path}/:id/metadata`
  const write = (next: (texts: Texts) => (now: Texts) => Texts) => async (x: Exchange) => {
    const texts = givenTexts(x)
    owner.read(x)
    requireWriter(x.actor, `volume:update_${owner.rule}_metadata`)
    return sendJson(x.reply, 200, { metadata: await owner.change(x, next(texts)) })
  }
  route(parts, 'GET', base, x => sendJson(x.reply, 200, { metadata: owner.read(x) }))
  route(
    parts,
    'POST',
    base,
    write(texts => now => ({ ...now, ...texts })),
  )
  route(
    parts,
    'PUT',
    base,
    write(texts => () => texts),
  )
  route(parts, 'GET', `${base}/:key`, x => {
    const key = paramOf(x.request, 'key')
    const value = owner.read(x)[key]
    if (value === undefined) throw owner.noKey(key, x.id)
    return sendJson(x.reply, 200, { meta: { [key]: value } })
  })
  route(parts, 'PUT', `${base}/:key`, x => setOne(owner, x))
  route(parts, 'DELETE', `${base}/:key`, x => removeOne(owner, x))
}

export function metadataRoutes(parts: Parts): void {
  routesOf(parts, volumes)
  routesOf(parts, snapshots)
}
