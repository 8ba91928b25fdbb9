import type { NameTable } from '../../engine/dictionary.ts'
import { ensureNames, removeUnused, renameClass } from '../../operations/names.ts'
import { badRequest, conflict, notFound, reworded } from '../errors.ts'
import type { Call, Reply } from '../route.ts'

const nameOf = (call: Call): string => call.path['name'] ?? ''
const address = (name: string): string => `/resource_classes/${name}`
const view = (name: string) => ({ name, links: [{ rel: 'self', href: address(name) }] })

function lastChange(table: NameTable, names: readonly string[]): { modifiedMs?: number } {
  const newest = Math.max(0, ...names.map(name => table.row(name)?.updated_at ?? 0))
  return newest === 0 ? {} : { modifiedMs: newest }
}

const found = (classes: NameTable, name: string): void => {
  if (!classes.has(name)) throw notFound(`No such resource class ${name}.`)
}

export async function list(call: Call): Promise<Reply> {
  const { classes } = await call.ledger.read()
  return { status: 200, body: { resource_classes: classes.names.map(view) }, ...lastChange(classes, classes.names) }
}

export async function show(call: Call): Promise<Reply> {
  const { classes } = await call.ledger.read()
  found(classes, nameOf(call))
  return { status: 200, body: view(nameOf(call)), ...lastChange(classes, [nameOf(call)]) }
}

const add = (call: Call, name: string): Promise<boolean> =>
  call.ledger.write(write => ensureNames(write, 'resource_classes', [name]))

export async function create(call: Call): Promise<Reply> {
  const { name } = call.body as { name: string }
  if (!(await add(call, name))) throw conflict(`Conflicting resource class already exists: ${name}`)
  return { status: 201, location: address(name), cacheable: false }
}

/** Since 1.7: make sure it exists. Before: rename it. */
export async function put(call: Call): Promise<Reply> {
  const name = nameOf(call)
  if (!call.has('classPutCreates')) return rename(call, name, (call.body as { name: string }).name)
  if (!/^CUSTOM_[A-Z0-9_]+$/.test(name)) {
    throw badRequest(`JSON does not validate: '${name}' does not match '^CUSTOM_[A-Z0-9_]+$'`)
  }
  if (name.length > 255) throw badRequest(`JSON does not validate: '${name}' is too long`)
  const { classes } = await call.ledger.read()
  const isNew = !classes.has(name) && (await add(call, name))
  return { status: isNew ? 201 : 204, location: address(name), cacheable: false }
}

async function rename(call: Call, from: string, to: string): Promise<Reply> {
  const { classes } = await call.ledger.read()
  found(classes, from)
  if (!from.startsWith('CUSTOM_')) throw badRequest(`Cannot update standard resource class ${from}`)
  await reworded({ NameExists: () => conflict(`Resource class already exists: ${to}`) }, () =>
    call.ledger.write(write => renameClass(write, from, to)),
  )
  return { status: 200, body: view(to), cacheable: false }
}

export async function remove(call: Call): Promise<Reply> {
  const name = nameOf(call)
  const { classes } = await call.ledger.read()
  found(classes, name)
  const problem = 'Error in delete resource class:'
  if (!name.startsWith('CUSTOM_')) throw badRequest(`${problem} Cannot delete standard resource class ${name}.`)
  await reworded(
    { NameInUse: () => conflict(`${problem} Cannot delete resource class ${name}. Class is in use in inventory.`) },
    () => call.ledger.write(write => removeUnused(write, 'resource_classes', name)),
  )
  return { status: 204, cacheable: false }
}
