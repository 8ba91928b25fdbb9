import { declareFault } from '#base'
import type { As } from '../glance/port.ts'

export const ShareNotFound = declareFault(
  'ShareNotFound',
  'missing',
  (p: { id: string }) => `Share ${p.id} could not be found.`,
)
export const ShareAccessGrantError = declareFault(
  'ShareAccessGrantError',
  'final',
  (p: { id: string; reason: string }) => `Share access could not be granted to share id ${p.id}.\nReason: ${p.reason}.`,
)
export const ShareAccessRemovalError = declareFault(
  'ShareAccessRemovalError',
  'final',
  (p: { id: string; reason: string }) =>
    `Share access could not be removed from share id ${p.id}.\nReason: ${p.reason}.`,
)
export const ShareForbidden = declareFault('Forbidden', 'refused', (p: { reason: string }) => p.reason, 403)
/** Nobody answers, or the catalogue names no Manila. Nova lets it through as a 500; a 400 tells the caller as much. */
export const ManilaConnectionFailed = declareFault(
  'ManilaConnectionFailed',
  'transient',
  (p: { reason: string }) => `Connection to manila service failed: ${p.reason}`,
  400,
)

/** A share as Nova needs to know it. */
export interface Share {
  readonly id: string
  /** `available`, `creating`, `in-use`, `error`, …: Manila adds new ones at will. */
  readonly status: string
  readonly name: string | null
  readonly sizeGiB: number
  readonly projectId: string
  readonly availabilityZone: string | null
  /** `NFS`, `CEPHFS`, `CIFS`, … */
  readonly protocol: string
  /** The preferred one, else the first; null: it has none (yet). */
  readonly exportLocation: string | null
}

/** Who may use a share. */
export interface ShareGrantee {
  /** By address, or by name of a Ceph user. */
  readonly type: 'ip' | 'cephx'
  readonly to: string
}

export interface ShareAccess extends ShareGrantee {
  readonly id: string
  /** `queued_to_apply`, `applying`, `active`, `error`, `denying`, … */
  readonly state: string
  readonly level: string
  /** The secret of a Ceph user. */
  readonly key: string | null
}

/** Nova's part of Manila v2. Rules are made and removed as the service, and locked so that no user undoes them. */
export interface SharePort {
  get(as: As, id: string): Promise<Share>
  /** The rule for this grantee, if there is one. */
  access(shareId: string, grantee: ShareGrantee): Promise<ShareAccess | undefined>
  /** Read and write, visible to nobody and deleted by nobody else. Manila applies it afterwards. Refused when it exists. */
  allow(shareId: string, grantee: ShareGrantee): Promise<ShareAccess>
  /** Gone already, or the share itself: nothing to do. */
  deny(shareId: string, grantee: ShareGrantee): Promise<void>
}
