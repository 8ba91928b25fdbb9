import type { NameTable } from '../../engine/dictionary.ts'
import type { ProviderNode } from '../../engine/provider-node.ts'
import type { Snapshot } from '../../engine/snapshot.ts'
import { providerOf } from '../../operations/inventories.ts'
import { ensureNames, removeUnused } from '../../operations/names.ts'
import { setTraits } from '../../operations/providers.ts'
import { badRequest, conflict, errorCode, notFound, reworded } from '../errors.ts'
import type { Call, Reply } from '../route.ts'

const nameOf = (call: Call): string => call.path['name'] ?? ''
const isCustom = (name: string): boolean => /^CUSTOM_[A-Z0-9_]+$/.test(name) && name.length <= 255

/** Standard names date from the beginning of time, which says nothing; then it is now. */
function lastChange(table: NameTable, names: readonly string[]): { modifiedMs?: number } {
  const newest = Math.max(0, ...names.map(name => table.row(name)?.updated_at ?? 0))
  return newest === 0 ? {} : { modifiedMs: newest }
}

function byName(value: string): (name: string) => boolean {
  const colon = value.indexOf(':')
  if (colon < 0) {
    throw badRequest(
      'Badly formatted name parameter. Expected name query string parameter in form: ' +
        `?name=[in|startswith]:[name1,name2|prefix]. Got: "${value}"`,
    )
  }
  const [how, what] = [value.slice(0, colon), value.slice(colon + 1)]
  if (how === 'startswith') return name => name.startsWith(what)
  if (how !== 'in') return () => true
  const wanted = new Set(what.split(','))
  return name => wanted.has(name)
}

function byAssociation(value: string, snapshot: Snapshot): (name: string) => boolean {
  const wanted = value.toLowerCase()
  if (wanted !== 'true' && wanted !== 'false') {
    throw badRequest('The query parameter "associated" only accepts "true" or "false"')
  }
  const sets = new Set([...snapshot.providers].map(node => node.traits))
  const used = new Set([...sets].flatMap(set => set.list))
  return name => used.has(name) === (wanted === 'true')
}

export async function list(call: Call): Promise<Reply> {
  const snapshot = await call.ledger.read()
  const [name, associated] = [call.query.get('name'), call.query.get('associated')]
  const isWanted = name === null ? () => true : byName(name)
  const isAssociated = associated === null ? () => true : byAssociation(associated, snapshot)
  const names = snapshot.traits.names.filter(each => isWanted(each) && isAssociated(each))
  return { status: 200, body: { traits: names }, ...lastChange(snapshot.traits, names) }
}

export async function show(call: Call): Promise<Reply> {
  const { traits } = await call.ledger.read()
  if (!traits.has(nameOf(call))) throw notFound(`No such trait(s): ${nameOf(call)}.`)
  return { status: 204, ...lastChange(traits, [nameOf(call)]) }
}

export async function put(call: Call): Promise<Reply> {
  const name = nameOf(call)
  if (!isCustom(name)) {
    throw badRequest(
      'The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix "CUSTOM_" ' +
        'and use following characters: "A"-"Z", "0"-"9" and "_"',
    )
  }
  const { traits } = await call.ledger.read()
  const isNew = !traits.has(name) && (await call.ledger.write(write => ensureNames(write, 'traits', [name])))
  const now = await call.ledger.read()
  return { status: isNew ? 201 : 204, location: `/traits/${name}`, ...lastChange(now.traits, [name]) }
}

export async function remove(call: Call): Promise<Reply> {
  const name = nameOf(call)
  const { traits } = await call.ledger.read()
  if (!traits.has(name)) throw notFound(`No such trait(s): ${name}.`)
  if (!name.startsWith('CUSTOM_')) throw badRequest(`Cannot delete standard trait ${name}.`)
  await reworded({ NameInUse: () => conflict(`The trait ${name} is in use by a resource provider.`) }, () =>
    call.ledger.write(write => removeUnused(write, 'traits', name)),
  )
  return { status: 204, cacheable: false }
}

function ofProvider(snapshot: Snapshot, node: ProviderNode): Reply {
  const { list: traits } = node.traits
  return {
    status: 200,
    body: { traits, resource_provider_generation: node.generation },
    ...lastChange(snapshot.traits, traits),
  }
}

export async function listOfProvider(call: Call): Promise<Reply> {
  const snapshot = await call.ledger.read()
  return ofProvider(snapshot, providerOf(snapshot, call.path['uuid'] ?? ''))
}

export async function setOfProvider(call: Call): Promise<Reply> {
  const id = call.path['uuid'] ?? ''
  const body = call.body as { traits: string[]; resource_provider_generation: number }
  const stale = "Resource provider's generation already changed. Please update the generation and try again."
  await reworded(
    {
      ResourceProviderConcurrentUpdateDetected: () => conflict(stale, errorCode.concurrentUpdate),
      TraitNotFound: f => badRequest(`No such trait ${(f.params['names'] as string[]).join(', ')}`),
    },
    () => call.ledger.write(write => setTraits(write, id, body.traits, body.resource_provider_generation)),
  )
  const snapshot = await call.ledger.read()
  return ofProvider(snapshot, providerOf(snapshot, id))
}

export async function clearOfProvider(call: Call): Promise<Reply> {
  await call.ledger.write(write => setTraits(write, call.path['uuid'] ?? '', []))
  return { status: 204, cacheable: false }
}
