import { isUuidLike, newUuid } from '#base'
import { type Actor, type Core, mapOf } from './core.ts'
import { noType, noTypeByName } from './faults.ts'
import type { TypeRow } from './store/rows.ts'
import type { VolumeState } from './store/state.ts'

/** The type of volumes that name none, as Cinder names it. */
export const defaultTypeName = '__DEFAULT__'
const isTrue = '<is> True'

export const isMultiattach = (type: TypeRow): boolean => mapOf(type.extra_specs).multiattach === isTrue

export const isEncrypted = (state: VolumeState, type: TypeRow): boolean =>
  state.table('volume_type_encryption').get(type.id) !== undefined

/** A private type is there for administrators and the projects that were let in. */
export const maySeeType = (state: VolumeState, actor: Actor, row: TypeRow): boolean =>
  actor.isAdmin || row.is_public === 1 || state.table('volume_type_access').get(row.id, actor.projectId) !== undefined

export function seenType(state: VolumeState, actor: Actor, id: string): TypeRow {
  const row = state.table('volume_types').get(id)
  if (row === undefined || !maySeeType(state, actor, row)) throw noType(id)
  return row
}

export function seenTypeByName(state: VolumeState, actor: Actor, name: string): TypeRow {
  const row = state.table('volume_types').by('name', name)[0]
  if (row === undefined || !maySeeType(state, actor, row)) throw noTypeByName(name)
  return row
}

/** By id if it looks like one and there is such a type, else by name. */
export function typeByNameOrId(state: VolumeState, actor: Actor, text: string): TypeRow {
  const byId = isUuidLike(text) ? state.table('volume_types').get(text) : undefined
  return byId !== undefined && maySeeType(state, actor, byId) ? byId : seenTypeByName(state, actor, text)
}

export function defaultType(state: VolumeState, projectId: string): TypeRow {
  const chosen = state.table('volume_default_types').get(projectId)
  const row = chosen === undefined ? undefined : state.table('volume_types').get(chosen.type_id)
  const found = row ?? state.table('volume_types').by('name', defaultTypeName)[0]
  if (found === undefined) throw noTypeByName(defaultTypeName)
  return found
}

export const typeNameOf = (state: VolumeState, id: string): string => state.table('volume_types').get(id)?.name ?? id

export async function ensureDefaultType({ state, clock }: Core): Promise<void> {
  await state.change(change => {
    if (state.table('volume_types').size > 0) return
    change.put('volume_types', {
      id: newUuid(),
      name: defaultTypeName,
      description: 'Default Volume Type',
      is_public: 1,
      extra_specs: '{}',
      qos_specs_id: null,
      created_at_ms: clock.now(),
      updated_at_ms: null,
    })
  })
}
