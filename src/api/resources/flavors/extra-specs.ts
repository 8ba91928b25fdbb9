import { always, bare, obj, operation, query, reply, since } from '#api/kit'
import { extraSpecComplaint } from '#model'
import { turnOf } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { BadFlavor, ExtraSpecNotFound } from './faults.ts'
import { extraSpecs, extraSpecsIn, oneExtraSpecIn } from './shape.ts'

const op = operation<ApiDeps, { id: string }>()
const opOnOne = operation<ApiDeps, { id: string; key: string }>()
const strictQuery = query({}, { strict: since('2.102') })

const texts = (specs: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(specs).map(([key, value]) => [key, String(value)]))

/** Read, change and write in one transaction: two writers add up. */
const change = (
  deps: ApiDeps,
  id: string,
  edit: (now: Record<string, string>) => Record<string, string>,
): Promise<void> =>
  deps.store.transaction(async tx => {
    await tx.turn(turnOf.flavor(id))
    const flavor = await tx.flavors.get(id)
    const extraSpecs = edit({ ...flavor.extraSpecs })
    await tx.flavors.setExtraSpecs(id, extraSpecs, deps.clock.now())
    await deps.notices.tell(tx, 'flavor.update', { flavor: { ...flavor, extraSpecs } })
  })

/** Nova looks at names and values since 2.86 only. */
const behaviours = { checksSpecs: since('2.86') }

function check(specs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(specs)) {
    const text = extraSpecComplaint(name, value)
    if (text !== undefined) throw BadFlavor({ text })
  }
}

export const listSpecs = op({
  policy: 'os_compute_api:os-flavor-extra-specs:index',
  query: strictQuery,
  reply: reply('extra_specs', extraSpecs),
  faults: { FlavorNotFound: 404 },
  async handle({ path, allow }, deps) {
    allow()
    return (await deps.store.flavors.get(path.id)).extraSpecs
  },
})

export const addSpecs = op({
  policy: 'os_compute_api:os-flavor-extra-specs:create',
  body: bare(obj({ extra_specs: extraSpecsIn })),
  reply: reply('extra_specs', extraSpecsIn),
  faults: { FlavorNotFound: 404, InvalidInput: 400 },
  behaviours,
  async handle({ path, body, allow, behaves }, deps) {
    allow({})
    if (behaves.checksSpecs) check(texts(body.extra_specs))
    await change(deps, path.id, now => ({ ...now, ...texts(body.extra_specs) }))
    return body.extra_specs
  },
})

export const showSpec = opOnOne({
  policy: 'os_compute_api:os-flavor-extra-specs:show',
  query: strictQuery,
  reply: reply(extraSpecs),
  faults: { FlavorNotFound: 404, FlavorExtraSpecsNotFound: 404 },
  async handle({ path, allow }, deps) {
    allow()
    const specs = (await deps.store.flavors.get(path.id)).extraSpecs
    const value = specs[path.key]
    if (value === undefined || !Object.hasOwn(specs, path.key)) throw ExtraSpecNotFound({ id: path.id, key: path.key })
    return { [path.key]: value }
  },
})

export const setSpec = opOnOne({
  policy: 'os_compute_api:os-flavor-extra-specs:update',
  body: bare(oneExtraSpecIn),
  reply: reply(extraSpecsIn),
  faults: { FlavorNotFound: 404, InvalidInput: 400 },
  behaviours,
  async handle({ path, body, allow, behaves }, deps) {
    allow({})
    if (behaves.checksSpecs) check(texts(body))
    if (!Object.hasOwn(body, path.key)) throw BadFlavor({ text: 'Request body and URI mismatch' })
    await change(deps, path.id, now => ({ ...now, ...texts(body) }))
    return body
  },
})

export const removeSpec = opOnOne({
  status: always(200),
  policy: 'os_compute_api:os-flavor-extra-specs:delete',
  faults: { FlavorNotFound: 404, FlavorExtraSpecsNotFound: 404 },
  async handle({ path, allow }, deps) {
    allow({})
    await change(deps, path.id, now => {
      if (!Object.hasOwn(now, path.key)) throw ExtraSpecNotFound({ id: path.id, key: path.key })
      const { [path.key]: _, ...rest } = now
      return rest
    })
  },
})
