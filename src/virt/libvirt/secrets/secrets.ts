import { createHash } from 'node:crypto'
import { element, renderXml } from '../domain/index.ts'
import { errorCode, isLibvirtError, type LibvirtClient, type SecretRef, secretProcedures } from '../rpc/index.ts'

/** What a secret of ours opens: libvirt's name of the usage, and of the element that tells for what. */
const usages = { volume: 'volume', iscsi: 'target', vtpm: 'name' } as const
export type SecretUsage = keyof typeof usages

/** The same for the same use, so that a secret is found whoever made it. */
const uuidOf = (text: string): string => {
  const h = createHash('sha256').update(text).digest('hex')
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`
}

/** All secrets of a guest begin with its id, so that they go with it; two guests that share a volume have one each. */
const usageId = (guestId: string, what: string): string => `${guestId}_${what}`

/**
 * Secrets that libvirt hands to QEMU: never on disk, never told again. The daemon forgets them when it ends; whoever starts
 * a guest gives them anew.
 */
export class GuestSecrets {
  readonly #client: LibvirtClient

  constructor(client: LibvirtClient) {
    this.#client = client
  }

  /** Returns the uuid by which a definition names it. */
  async put(
    guestId: string,
    usage: SecretUsage,
    what: string,
    value: Uint8Array,
    uuid = uuidOf(`${usage}:${usageId(guestId, what)}`),
  ): Promise<string> {
    const id = usageId(guestId, what)
    const xml = element(
      'secret',
      { ephemeral: 'yes', private: 'yes' },
      element('uuid', {}, uuid),
      element('usage', { type: usage }, element(usages[usage], {}, id)),
    )
    const secret = await this.#client.call(secretProcedures.define, renderXml(xml))
    await this.#client.call(secretProcedures.setValue, { secret, value })
    return uuid
  }

  /** Those of one use of a guest, or all that it has. */
  async remove(guestId: string, what?: string): Promise<void> {
    const isMeant = (id: string) =>
      what === undefined ? id.startsWith(usageId(guestId, '')) : id === usageId(guestId, what)
    for (const secret of await this.#list()) {
      if (!isMeant(secret.usageId)) continue
      try {
        await this.#client.call(secretProcedures.undefine, secret)
      } catch (error) {
        if (!isLibvirtError(error, errorCode.noSecret)) throw error
      }
    }
  }

  async #list(): Promise<readonly SecretRef[]> {
    try {
      return await this.#client.call(secretProcedures.list, undefined)
    } catch (error) {
      // A daemon without secrets has none of ours.
      if (isLibvirtError(error, errorCode.noSupport)) return []
      throw error
    }
  }
}
