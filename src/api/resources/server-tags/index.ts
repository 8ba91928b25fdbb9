import { bare, list, nil, obj, operation, reply, resource, since, str, tag } from '#api/kit'
import { declareFault } from '#base'
import type { Caller } from '#cloud'
import { type Instance, InstanceInvalidState, InstanceNotFound, refusal } from '#model'
import { type Store, turnOf } from '#store'
import { situationOf } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { isAdmin, targetOf } from '../servers/find.ts'

const op = operation<ApiDeps, { id: string }>()
const opOnOne = operation<ApiDeps, { id: string; tag: string }>()

/** What the tags of an unknown server answer; every other resource says that it could not be found. */
export const MappingNotFound = declareFault(
  'InstanceMappingNotFound',
  'missing',
  (p: { id: string }) => `Instance ${p.id} has no mapping to a cell.`,
)
export const ServerHasNoTag = declareFault(
  'ServerHasNoTag',
  'missing',
  (p: { id: string; tag: string }) => `Server ${p.id} has no tag '${p.tag}'`,
)
export const TagNotFound = declareFault(
  'InstanceTagNotFound',
  'missing',
  (p: { id: string; tag: string }) => `Instance ${p.id} has no tag '${p.tag}'`,
)
export const TagInvalid = declareFault(
  'TagInvalid',
  'refused',
  (p: { tag: string; why: string }) =>
    `Tag '${p.tag}' is invalid. It must be a non empty string without characters '/' and ','. Validation error message: ${p.why}`,
)
export const TooManyTags = declareFault(
  'TooManyTags',
  'refused',
  (p: { limit: number }) => `The number of tags exceeded the per-server limit ${p.limit}`,
)

const exists = since('2.26')
const rule = 'os_compute_api:os-server-tags'
const mostTags = 50
const longestTag = 60
const tagList = reply('tags', list(str))
const readFaults = { InstanceMappingNotFound: 404, InstanceNotFound: 404 } as const
const writeFaults = { ...readFaults, InstanceInvalidState: 409 } as const

/**
 * The server of whatever project, and the policy decides: a stranger reads 403 here, not 404. Deleted servers are found
 * first and missing afterwards.
 */
async function open(
  deps: ApiDeps,
  id: string,
  allow: (target: Readonly<Record<string, unknown>>) => void,
): Promise<Instance> {
  const instance = await deps.store.instances.find(id, { withDeleted: true })
  if (instance === undefined) throw MappingNotFound({ id })
  allow(targetOf(instance))
  if (instance.isDeleted) throw InstanceNotFound({ id })
  return instance
}

/** Check and change in one transaction, so that many writers together stay below the limit. */
function change<T>(
  deps: ApiDeps,
  caller: Caller,
  id: string,
  word: string,
  edit: (tags: Store['tags']) => Promise<T>,
): Promise<T> {
  return deps.store.transaction(async tx => {
    await tx.turn(turnOf.server(id))
    const instance = await tx.instances.get(id)
    const why = refusal('changeTags', situationOf(instance), isAdmin(caller))
    if (why !== undefined) {
      throw InstanceInvalidState({ action: word, id, attr: 'vm_state', state: instance.vmState })
    }
    const result = await edit(tx.tags)
    await deps.notices.tell(tx, 'instance.update', { instance, binary: 'nova-api', host: null })
    return result
  })
}

const quoted = (text: string): string => `'${text}'`

/** A tag in the path has met no schema yet; the words are those of Python's validator. */
function mustBeTag(tag: string): void {
  if (tag.length > longestTag) throw TagInvalid({ tag, why: `${quoted(tag)} is too long` })
  if (/[,/]/.test(tag)) throw TagInvalid({ tag, why: `${quoted(tag)} does not match '^[^,/]*$'` })
}

const index = op({
  exists,
  policy: `${rule}:index`,
  reply: tagList,
  faults: readFaults,
  async handle({ path, allow }, deps) {
    const { id } = await open(deps, path.id, allow)
    return deps.store.tags.of(id)
  },
})

const show = opOnOne({
  exists,
  status: 204,
  policy: `${rule}:show`,
  faults: { ...readFaults, ServerHasNoTag: 404 },
  async handle({ path, allow }, deps) {
    const { id } = await open(deps, path.id, allow)
    if (!(await deps.store.tags.of(id)).includes(path.tag)) throw ServerHasNoTag({ id, tag: path.tag })
  },
})

/** 201 with its address when the tag is new, 204 when it was there; a full server refuses both. */
const add = opOnOne({
  exists,
  status: 204,
  alsoStatus: [201],
  policy: `${rule}:update`,
  body: bare(nil),
  faults: { ...writeFaults, TagInvalid: 400, TooManyTags: 400 },
  async handle({ path, caller, allow, answer, header, links }, deps) {
    const { id } = await open(deps, path.id, allow)
    const isNew = await change(deps, caller, id, 'update tag', async tags => {
      mustBeTag(path.tag)
      if ((await tags.of(id)).length >= mostTags) throw TooManyTags({ limit: mostTags })
      return tags.add(id, path.tag)
    })
    if (!isNew) return
    answer(201)
    // A header holds ASCII only, a tag any text.
    header('Location', `${links.self('servers', id)}/tags/${encodeURIComponent(path.tag)}`)
  },
})

const replaceAll = op({
  exists,
  policy: `${rule}:update_all`,
  body: bare(obj({ tags: list(tag, mostTags) })),
  reply: tagList,
  faults: writeFaults,
  async handle({ path, body, caller, allow }, deps) {
    const { id } = await open(deps, path.id, allow)
    return change(deps, caller, id, 'update tags', async tags => {
      await tags.replace(id, body.tags)
      return tags.of(id)
    })
  },
})

const remove = opOnOne({
  exists,
  status: 204,
  policy: `${rule}:delete`,
  faults: { ...writeFaults, InstanceTagNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const { id } = await open(deps, path.id, allow)
    await change(deps, caller, id, 'delete tag', async tags => {
      if (!(await tags.remove(id, path.tag))) throw TagNotFound({ id, tag: path.tag })
    })
  },
})

const removeAll = op({
  exists,
  status: 204,
  policy: `${rule}:delete_all`,
  faults: writeFaults,
  async handle({ path, caller, allow }, deps) {
    const { id } = await open(deps, path.id, allow)
    await change(deps, caller, id, 'delete tags', tags => tags.replace(id, []))
  },
})

/** Words by which servers are found again. A lock does not protect them. */
export const serverTags = resource('/servers/{id}/tags', {
  'GET /': index,
  'PUT /': replaceAll,
  'DELETE /': removeAll,
  'GET /{tag}': show,
  'PUT /{tag}': add,
  'DELETE /{tag}': remove,
})
