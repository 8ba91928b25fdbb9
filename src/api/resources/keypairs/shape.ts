import { int, nil, oneOf, str, strictBool } from '#api/kit'
import { isoMicros } from '#base'
import type { Keypair } from '#store'

const type = oneOf('ssh', 'x509').since('2.2')

export const summary = { name: str, public_key: str, fingerprint: str, type }

export const created = { ...summary, user_id: str, private_key: str.optional().until('2.92') }

export const detail = {
  ...summary,
  user_id: str,
  created_at: str,
  // Key pairs are never edited, and a deleted one is gone.
  deleted: strictBool,
  deleted_at: nil,
  id: int,
  updated_at: nil,
}

export const summaryView = (key: Keypair) => ({
  name: key.name,
  public_key: key.publicKey,
  fingerprint: key.fingerprint,
  type: key.type === 'x509' ? ('x509' as const) : ('ssh' as const),
})

export const createdView = (key: Keypair, privateKey: string | undefined) => ({
  ...summaryView(key),
  user_id: key.userId,
  private_key: privateKey,
})

export const detailView = (key: Keypair) => ({
  ...summaryView(key),
  user_id: key.userId,
  created_at: isoMicros(key.createdAtMs),
  deleted: false,
  deleted_at: null,
  id: key.number,
  updated_at: null,
})
