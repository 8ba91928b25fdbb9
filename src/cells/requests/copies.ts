import { isDeepStrictEqual } from 'node:util'
import { KeypairNotFound } from '#model'
import { type Store, turnOf } from '#store'
import type { CarriedFlavor, CarriedGroup, CarriedKeypair, Companions } from './companions.ts'

/**
 * Keeps what requests of other cells name as it is there: in the cell that the requests come from it is made, changed and
 * deleted, and here are copies. Servers have their flavor and key in their own records, so no copy is missed by a server.
 */
export async function keepInStep(store: Store, companions: Companions, nowMs: number): Promise<void> {
  for (const flavor of companions.flavors) await store.transaction(tx => keepFlavor(tx, flavor, nowMs))
  for (const keypair of companions.keypairs) await store.transaction(tx => keepKeypair(tx, keypair))
  for (const group of companions.serverGroups) await store.transaction(tx => keepGroup(tx, group, nowMs))
}

async function keepFlavor(tx: Store, { projects, ...wanted }: CarriedFlavor, nowMs: number): Promise<void> {
  await tx.turn(turnOf.flavor(wanted.flavorId), turnOf.flavor(`name ${wanted.name}`))
  const there = await tx.flavors.find(wanted.flavorId)
  if (there !== undefined) {
    const { number: _, createdAtMs: __, updatedAtMs: ___, ...flavor } = there
    const allowed = await tx.flavors.projects(there)
    if (isDeepStrictEqual(flavor, wanted) && isDeepStrictEqual([...allowed], [...projects])) return
    await tx.flavors.delete(wanted.flavorId)
  }
  // Another one of that name was deleted where it came from.
  const sameName = (await tx.flavors.list({ sort: [] })).find(flavor => flavor.name === wanted.name)
  if (sameName !== undefined) await tx.flavors.delete(sameName.flavorId)
  const made = await tx.flavors.create(wanted, nowMs)
  for (const project of projects) await tx.flavors.addProject(made, project)
}

async function keepKeypair(tx: Store, wanted: CarriedKeypair): Promise<void> {
  await tx.turn(turnOf.keypairs(wanted.userId))
  const there = await tx.keypairs.get(wanted.userId, wanted.name).catch(error => {
    if (KeypairNotFound.is(error)) return undefined
    throw error
  })
  if (there?.publicKey === wanted.publicKey && there.type === wanted.type) return
  if (there !== undefined) await tx.keypairs.delete(wanted.userId, wanted.name)
  await tx.keypairs.create(wanted)
}

/** Groups do not change once they are made, and their members here are those that live here. */
async function keepGroup(tx: Store, wanted: CarriedGroup, nowMs: number): Promise<void> {
  await tx.turn(turnOf.group(wanted.id))
  if ((await tx.serverGroups.find(wanted.id)) === undefined) await tx.serverGroups.create(wanted, nowMs)
}
