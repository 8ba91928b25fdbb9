import { always, keypairName, keypairNameWide, oneOf, operation, reply, request, str } from '#api/kit'
import type { Caller } from '#cloud'
import { type Keypair, type Store, turnOf } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { KeypairLimitExceeded } from './faults.ts'
import { fingerprintOf, generateKey, type KeyType } from './generate.ts'
import { created, createdView } from './shape.ts'

const op = operation<ApiDeps>()

const body = request('keypair', {
  name: keypairName.from('2.92', keypairNameWide),
  type: oneOf('ssh', 'x509').optional().since('2.2'),
  // The server stopped generating keys in 2.92: a secret should be made where it is used.
  public_key: str.optional().from('2.92', str),
  user_id: str.optional().since('2.10'),
})

/** Keys belong to users, but their number is bounded by the project one is working in. */
async function mustHaveRoom(store: Store, deps: ApiDeps, caller: Caller, userId: string): Promise<void> {
  const limits = await deps.quotas.prepared(store, caller.projectId ?? '', userId)
  const limit = limits['key_pairs'] ?? -1
  if (limit >= 0 && (await store.keypairs.count(userId)) >= limit) throw KeypairLimitExceeded({})
}

type Material = Pick<Keypair, 'publicKey' | 'fingerprint'> & { readonly privateKey?: string }

async function materialOf(type: KeyType, userId: string, publicKey: string | undefined): Promise<Material> {
  if (publicKey === undefined) return generateKey(type, userId)
  return { publicKey, fingerprint: fingerprintOf(type, publicKey) }
}

/** Takes a public key, or makes a pair and hands out its private half, which is kept nowhere. */
export const create = op({
  status: always(200).since('2.2', 201),
  policy: 'os_compute_api:os-keypairs:create',
  body,
  reply: reply('keypair', created),
  faults: { InvalidKeypair: 400, KeypairLimitExceeded: 403, KeyPairExists: 409, CertificatesUnavailable: 501 },
  async handle({ body, caller, allow }, deps) {
    const userId = body.user_id || caller.userId
    allow({ user_id: userId })
    await deps.quotas.prepare(caller.projectId ?? '')
    // Asked before the key is made, because that is expensive; asked again where it counts.
    await mustHaveRoom(deps.store, deps, caller, userId)
    const type = body.type ?? 'ssh'
    const { privateKey, ...key } = await materialOf(type, userId, body.public_key)
    const pair = { userId, name: body.name.trim(), type, ...key, createdAtMs: deps.clock.now() }
    const stored = await deps.store.transaction(async tx => {
      await tx.turn(turnOf.keypairs(userId))
      await mustHaveRoom(tx, deps, caller, userId)
      const { projectId } = caller
      const isImport = body.public_key !== undefined
      const before = { ...pair, fingerprint: null, ...(isImport ? {} : { publicKey: null }) }
      await deps.notices.tell(tx, `keypair.${isImport ? 'import' : 'create'}.start`, { keypair: before, projectId })
      const made = await tx.keypairs.create(pair)
      await deps.notices.tell(tx, `keypair.${isImport ? 'import' : 'create'}.end`, { keypair: made, projectId })
      return made
    })
    return createdView(stored, privateKey)
  },
})
