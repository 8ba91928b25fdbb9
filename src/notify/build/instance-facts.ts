import { type BlockDevice, type Instance, type ServerShare, zoneLeft } from '#model'
import type { Keypair } from '#store'
import type { AboutInstance, Desk } from './about.ts'

/** What the payloads of one server are made from, read in the transaction of the event. */
export interface InstanceFacts {
  readonly instance: Instance
  readonly zone: string | null
  /** Null: payloads shall not have them. */
  readonly devices: readonly BlockDevice[] | null
  readonly shares: readonly ServerShare[] | null
  readonly tags: readonly string[]
  readonly key: Pick<Keypair, 'userId' | 'name' | 'type' | 'publicKey' | 'fingerprint'> | null
}

async function zoneOf({ tx, settings }: Desk, instance: Instance): Promise<string | null> {
  if (instance.host !== null) return (await tx.aggregates.zones()).get(instance.host) ?? settings.defaultZone
  return instance.systemMetadata[zoneLeft] === undefined ? instance.requestedZone : null
}

async function keyOf({ tx }: Desk, { key, userId }: Instance): Promise<InstanceFacts['key']> {
  if (key === null) return null
  const found = (await tx.keypairs.list(userId)).find(({ name }) => name === key.name)
  // The user may have made another of that name meanwhile; the server has the old one.
  const fingerprint = found?.publicKey === key.publicKey ? found.fingerprint : ''
  return { userId, name: key.name, type: key.type, publicKey: key.publicKey, fingerprint }
}

/** Undefined: there is no such server any more. */
export async function instanceFacts(
  desk: Desk,
  about: AboutInstance,
  needs: { readonly tags?: boolean; readonly key?: boolean },
): Promise<InstanceFacts | undefined> {
  const { tx, settings } = desk
  const instance =
    typeof about.instance === 'string' ? await tx.instances.find(about.instance, { withDeleted: true }) : about.instance
  if (instance === undefined) return undefined
  const { id } = instance
  return {
    instance,
    zone: about.zone === undefined ? await zoneOf(desk, instance) : about.zone,
    devices: settings.hasDevices ? await tx.blockDevices.of(id) : null,
    shares: settings.hasShares ? await tx.serverShares.of(id) : null,
    tags: needs.tags === true ? await tx.tags.of(id) : [],
    key: needs.key === true ? await keyOf(desk, instance) : null,
  }
}
