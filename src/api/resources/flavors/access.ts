import { always, bare, list, obj, operation, query, reply, since, str } from '#api/kit'
import type { StoredFlavor } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { BadFlavor, FlavorAccessExists, FlavorAccessNotFound, PublicFlavorAccess, PublicFlavorList } from './faults.ts'
import { accessBody } from './shape.ts'

const op = operation<ApiDeps, { id: string }>()
const accessReply = reply('flavor_access', list(obj({ flavor_id: str, tenant_id: str })))

const view = async (deps: ApiDeps, flavor: StoredFlavor) =>
  (await deps.store.flavors.projects(flavor)).map(tenant_id => ({ flavor_id: flavor.flavorId, tenant_id }))

/** Nova asks Keystone whether the project exists and lets it pass when Keystone does not answer. */
async function mustBeProject(deps: ApiDeps, id: string): Promise<void> {
  const project = await deps.identity.project(id).catch(() => null)
  if (project === undefined) throw BadFlavor({ text: `Project ID ${id} is not a valid project.` })
}

export const add = op({
  policy: 'os_compute_api:os-flavor-access:add_tenant_access',
  body: bare(accessBody),
  reply: accessReply,
  faults: { FlavorNotFound: 404, FlavorAccessExists: 409, PublicFlavorAccess: 409, InvalidInput: 400 },
  behaviours: { refusesPublic: since('2.7') },
  async handle({ path, body, allow, behaves }, deps) {
    allow({})
    const flavor = await deps.store.flavors.get(path.id)
    if (flavor.isPublic && behaves.refusesPublic) throw PublicFlavorAccess({})
    await mustBeProject(deps, body.tenant)
    await deps.notices.together(deps.store, async tx => {
      if (!(await tx.flavors.addProject(flavor, body.tenant)))
        throw FlavorAccessExists({ id: path.id, projectId: body.tenant })
      await deps.notices.tell(tx, 'flavor.update', { flavor })
    })
    return view(deps, flavor)
  },
})

export const removeAccess = op({
  policy: 'os_compute_api:os-flavor-access:remove_tenant_access',
  body: bare(accessBody),
  reply: accessReply,
  faults: { FlavorNotFound: 404, FlavorAccessNotFound: 404, InvalidInput: 400 },
  async handle({ path, body, allow }, deps) {
    allow({})
    const flavor = await deps.store.flavors.get(path.id)
    await mustBeProject(deps, body.tenant)
    await deps.notices.together(deps.store, async tx => {
      if (!(await tx.flavors.removeProject(flavor, body.tenant)))
        throw FlavorAccessNotFound({ id: path.id, projectId: body.tenant })
      await deps.notices.tell(tx, 'flavor.update', { flavor })
    })
    return view(deps, flavor)
  },
})

export const listAccess = op({
  status: always(200),
  policy: 'os_compute_api:os-flavor-access',
  query: query({}, { strict: since('2.102') }),
  reply: accessReply,
  faults: { FlavorNotFound: 404, PublicFlavorList: 404 },
  async handle({ path, allow }, deps) {
    allow({})
    const flavor = await deps.store.flavors.get(path.id)
    if (flavor.isPublic) throw PublicFlavorList({})
    return view(deps, flavor)
  },
})
