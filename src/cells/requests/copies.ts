import { isDeepStrictEqual } from 'node:util'
import { KeypairNotFound } from '#model'
import { type Store, turnOf } from '#store'
import type { CarriedFlavor, CarriedGroup, CarriedKeypair, Companions } from './companions.ts'

/**
 * Keeps what requests of other cells name as it is there: in the cell that the requests come from it is made, changed and
 * deleted, and here are copies. Servers have their flavor and key in their own records, so no copy is missed by a server.
 */
export async function keepInStep(store: Store, companions: Companions, nowMs: number): Promise<void> {
  for (const flavor of companions.flavors) {
    if (!(await hasFlavor(store, flavor))) await store.transaction(tx => keepFlavor(tx, flavor, nowMs))
  }
  for (const keypair of companions.keypairs) {
    if (!(await hasKeypair(store, keypair))) await store.transaction(tx => keepKeypair(tx, keypair))
  }
  for (const group of companions.serverGroups) {
    const isThere = (await store.serverGroups.find(group.id)) !== undefined
    if (!isThere) await store.transaction(tx => keepGroup(tx, group, nowMs))
  }
}

async function hasFlavor(store: Store, { projects, ...wanted }: CarriedFlavor): Promise<boolean> {
  const there = await store.flavors.find(wanted.flavorId)
  if (there === undefined) return false
  const { number: _, createdAtMs: __, updatedAtMs: ___, ...flavor } = there
  return isDeepStrictEqual(flavor, wanted) && isDeepStrictEqual(await store.flavors.projects(there), projects)
}

async function keepFlavor(tx: Store, wanted: CarriedFlavor, nowMs: number): Promise<void> {
  await tx.turn(turnOf.flavor(wanted.flavorId), turnOf.flavor(`name ${wanted.name}`))
  if (await hasFlavor(tx, wanted)) return
  const { projects, ...flavor } = wanted
  const [sameId, all] = [await tx.flavors.find(flavor.flavorId), await tx.flavors.list({ sort: [] })]
  // Another one of that name was deleted where it came from.
  const sameName = all.find(({ name, flavorId }) => name === flavor.name && flavorId !== flavor.flavorId)
  for (const former of [sameId, sameName]) {
    if (former !== undefined) await tx.flavors.delete(former.flavorId)
  }
  const made = await tx.flavors.create(flavor, nowMs)
  for (const project of projects) await tx.flavors.addProject(made, project)
}

const keypairThere = (store: Store, { userId, name }: CarriedKeypair) =>
  store.keypairs.get(userId, name).catch(error => {
    if (KeypairNotFound.is(error)) return undefined
    throw error
  })

async function hasKeypair(store: Store, wanted: CarriedKeypair): Promise<boolean> {
  const there = await keypairThere(store, wanted)
  return there?.publicKey === wanted.publicKey && there.type === wanted.type
}

async function keepKeypair(tx: Store, wanted: CarriedKeypair): Promise<void> {
  await tx.turn(turnOf.keypairs(wanted.userId))
  if (await hasKeypair(tx, wanted)) return
  const there = await keypairThere(tx, wanted)
  if (there !== undefined) await tx.keypairs.delete(wanted.userId, wanted.name)
  await tx.keypairs.create(wanted)
}

/** Groups do not change once they are made, and their members here are those that live here. */
async function keepGroup(tx: Store, wanted: CarriedGroup, nowMs: number): Promise<void> {
  await tx.turn(turnOf.group(wanted.id))
  if ((await tx.serverGroups.find(wanted.id)) === undefined) await tx.serverGroups.create(wanted, nowMs)
}
