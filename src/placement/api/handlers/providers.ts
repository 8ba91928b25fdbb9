import { isUuidLike, newUuid } from '#base'
import type { RequestGroup } from '#cloud'
import { GroupMatch } from '../../engine/group-match.ts'
import type { ProviderNode } from '../../engine/provider-node.ts'
import type { Snapshot } from '../../engine/snapshot.ts'
import { checkClasses, checkTraits } from '../../operations/check-query.ts'
import { providerOf } from '../../operations/inventories.ts'
import { createProvider, deleteProvider, updateProvider } from '../../operations/providers.ts'
import { badRequest, conflict, errorCode, notFound, reworded } from '../errors.ts'
import { readMemberOf, readRequired, readResources } from '../query.ts'
import type { Call, Reply } from '../route.ts'

const address = (id: string): string => `/resource_providers/${id}`

function view(call: Call, node: ProviderNode) {
  const url = address(node.id)
  const related = [
    'inventories',
    'usages',
    ...(call.has('aggregateLinks') ? ['aggregates'] : []),
    ...(call.has('traitLinks') ? ['traits'] : []),
    ...(call.has('allocationLinks') ? ['allocations'] : []),
  ]
  return {
    uuid: node.id,
    name: node.name,
    generation: node.generation,
    links: [{ rel: 'self', href: url }, ...related.map(rel => ({ rel, href: `${url}/${rel}` }))],
    ...(call.has('providerTrees')
      ? { parent_provider_uuid: node.parent?.id ?? null, root_provider_uuid: node.root.id }
      : {}),
  }
}

/** `00000000000000000000000000000000` and its relatives become the form with dashes. */
export function dashed(id: string): string {
  const hex = id.toLowerCase().replace('urn:', '').replace('uuid:', '').replaceAll(/[{}-]/g, '')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** A list is what matches all filters; the group's rules are those of one provider alone. */
function matching(snapshot: Snapshot, call: Call): ProviderNode[] {
  const { query } = call
  const [uuid, name, inTree] = [query.get('uuid'), query.get('name'), query.get('in_tree')]
  const resources = query.get('resources')
  const group: RequestGroup = {
    suffix: '',
    resources: resources === null ? {} : readResources(resources),
    ...readRequired(query, 'required', call),
    ...readMemberOf(query, 'member_of', call),
    ...(inTree === null ? {} : { inTree }),
  }
  checkClasses(snapshot, Object.keys(group.resources))
  checkTraits(snapshot, [...group.required.flat(), ...group.forbidden])
  const match = new GroupMatch(group, id => snapshot.provider(id))
  return [...snapshot.providers].filter(
    node => (!uuid || node.id === uuid) && (!name || node.name === name) && match.matchesAlone(node),
  )
}

export const list = (call: Call): Promise<Reply> =>
  reworded(
    {
      ResourceClassNotFound: f => badRequest(`Invalid resource class in resources parameter: ${f.message}`),
      TraitNotFound: f => badRequest(`Invalid trait(s) in "required" parameter: ${f.message}`),
    },
    async () => {
      const nodes = matching(await call.ledger.read(), call)
      return {
        status: 200,
        body: { resource_providers: nodes.map(node => view(call, node)) },
        ...(nodes.length === 0 ? {} : { modifiedMs: Math.max(...nodes.map(node => node.updatedAtMs)) }),
      }
    },
  )

export async function show(call: Call): Promise<Reply> {
  const node = providerOf(await call.ledger.read(), call.path['uuid'] ?? '')
  return { status: 200, body: view(call, node), modifiedMs: node.updatedAtMs }
}

export async function create(call: Call): Promise<Reply> {
  const {
    name,
    uuid,
    parent_provider_uuid: parentId,
  } = call.body as {
    name: string
    uuid?: string
    parent_provider_uuid?: string | null
  }
  const id = uuid === undefined || !isUuidLike(uuid) ? newUuid() : dashed(uuid)
  await reworded(
    {
      ResourceProviderExists: f => conflict(f.message, errorCode.duplicateName),
      ObjectActionError: f => badRequest(`Unable to create resource provider "${name}", ${id}: ${f.message}`),
    },
    () => call.ledger.write(write => createProvider(write, { id, name, parentId: parentId ?? null })),
  )
  if (!call.has('createdProviderBody')) return { status: 201, location: address(id), cacheable: false }
  const node = providerOf(await call.ledger.read(), id)
  return { status: 200, location: address(id), body: view(call, node), modifiedMs: node.updatedAtMs }
}

export async function update(call: Call): Promise<Reply> {
  const id = call.path['uuid'] ?? ''
  const body = call.body as { name: string; parent_provider_uuid?: string | null }
  const to = {
    name: body.name,
    ...(body.parent_provider_uuid === undefined ? {} : { parentId: body.parent_provider_uuid }),
  }
  await reworded(
    {
      ResourceProviderExists: f => conflict(f.message, errorCode.duplicateName),
      ObjectActionError: f => badRequest(`Unable to save resource provider ${id}: ${f.message}`),
    },
    () => call.ledger.write(write => updateProvider(write, id, to, call.has('reparenting'))),
  )
  const node = providerOf(await call.ledger.read(), id)
  return { status: 200, body: view(call, node), modifiedMs: node.updatedAtMs }
}

export async function remove(call: Call): Promise<Reply> {
  const id = call.path['uuid'] ?? ''
  await reworded(
    {
      ResourceProviderNotFound: () => notFound(`No resource provider with uuid ${id} found for delete`),
      ResourceProviderInUse: f =>
        conflict(`Unable to delete resource provider ${id}: ${f.message}`, errorCode.providerInUse),
      CannotDeleteParentResourceProvider: () =>
        conflict(
          `Unable to delete parent resource provider ${id}: It has child resource providers.`,
          errorCode.cannotDeleteParent,
        ),
    },
    () => call.ledger.write(write => deleteProvider(write, id)),
  )
  return { status: 204, cacheable: false }
}
