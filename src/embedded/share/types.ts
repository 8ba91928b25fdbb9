import { newUuid } from '#base'
import type { Core } from './core.ts'
import { Conflict, noType } from './faults.ts'
import type { TypeRow } from './store/rows.ts'

/** Shares here need no network of their own. */
const extraSpecs = { driver_handles_share_servers: 'False' }

export async function ensureDefaultType(core: Core): Promise<void> {
  const types = core.state.table('share_types')
  if (types.all().some(type => type.is_default === 1)) return
  await core.state.change(change =>
    change.put('share_types', {
      id: newUuid(),
      name: 'default',
      description: null,
      is_public: 1,
      is_default: 1,
      extra_specs: JSON.stringify(extraSpecs),
      created_at_ms: core.clock.now(),
    }),
  )
}

/** By id or name; without either the default one. */
export function typeOf(core: Core, asked: string | undefined): TypeRow {
  const types = core.state.table('share_types')
  const found =
    asked === undefined
      ? types.all().find(type => type.is_default === 1)
      : (types.get(asked) ?? types.by('name', asked)[0])
  if (found === undefined) throw noType(asked ?? 'default')
  return found
}

export interface TypeWish {
  readonly name: string
  readonly description: string | null
  readonly isPublic: boolean
  readonly extraSpecs: Readonly<Record<string, string>>
}

export function createType(core: Core, wish: TypeWish): Promise<TypeRow> {
  return core.state.change(change => {
    if (core.state.table('share_types').by('name', wish.name).length > 0)
      throw Conflict({ reason: `Share Type ${wish.name} already exists.` })
    const row = {
      id: newUuid(),
      name: wish.name,
      description: wish.description,
      is_public: Number(wish.isPublic),
      is_default: 0,
      extra_specs: JSON.stringify(wish.extraSpecs),
      created_at_ms: core.clock.now(),
    }
    change.put('share_types', row)
    return row
  })
}

export async function deleteType(core: Core, id: string): Promise<void> {
  await core.state.change(change => {
    const row = core.state.table('share_types').get(id)
    if (row === undefined) throw noType(id)
    if (core.state.table('share_shares').by('type', id).length > 0)
      throw Conflict({ reason: `Share Type ${id} deletion is not allowed with shares present with the type.` })
    change.remove('share_types', row)
  })
}
