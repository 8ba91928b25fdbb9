import { nothing, optionalString, remote, withXml } from './procedures.ts'
import { type DomainRef, writeDomain } from './values.ts'
import type { XdrReader, XdrWriter } from './xdr.ts'

/** What the daemon does with the disks of guests, and with secrets that open them. */

interface DiskRef {
  readonly domain: DomainRef
  /** `vdb` */
  readonly disk: string
}

const writeDisk = (w: XdrWriter, { domain, disk }: DiskRef): XdrWriter => {
  writeDomain(w, domain)
  return w.string(disk)
}

/** virDomainBlockJobType */
export const blockJobType = { none: 0, pull: 1, copy: 2, commit: 3, activeCommit: 4 } as const

/** Undefined: no job on this disk. */
export type BlockJob = { readonly type: number; readonly done: number; readonly of: number } | undefined

export const blockProcedures = {
  resize: remote(
    'block resize',
    251,
    (w, a: DiskRef & { bytes: number }) => {
      // virDomainBlockResizeFlags: the size is in bytes.
      writeDisk(w, a).uhyper(BigInt(a.bytes)).uint(1)
    },
    nothing,
  ),
  copy: remote(
    'block copy',
    345,
    (w, a: DiskRef & { xml: string; flags: number }) => {
      writeDisk(w, a)
        .string(a.xml)
        .array([], () => undefined)
        .uint(a.flags)
    },
    nothing,
  ),
  rebase: remote(
    'block rebase',
    266,
    (w, a: DiskRef & { base: string | undefined; flags: number }) => {
      optionalString(writeDisk(w, a), a.base)
      w.uhyper(0n).uint(a.flags)
    },
    nothing,
  ),
  commit: remote(
    'block commit',
    290,
    (w, a: DiskRef & { base: string | undefined; top: string | undefined; flags: number }) => {
      optionalString(writeDisk(w, a), a.base)
      optionalString(w, a.top)
      w.uhyper(0n).uint(a.flags)
    },
    nothing,
  ),
  jobInfo: remote(
    'block job info',
    238,
    (w, a: DiskRef) => {
      writeDisk(w, a).uint(0)
    },
    (r): BlockJob => {
      const isFound = r.int() === 1
      const type = r.int()
      r.uhyper()
      const [done, of] = [Number(r.uhyper()), Number(r.uhyper())]
      return isFound ? { type, done, of } : undefined
    },
  ),
  jobAbort: remote(
    'block job abort',
    237,
    (w, a: DiskRef & { flags: number }) => {
      writeDisk(w, a).uint(a.flags)
    },
    nothing,
  ),
  info: remote(
    'block info',
    194,
    (w, a: DiskRef) => {
      writeDisk(w, a).uint(0)
    },
    r => {
      const [allocation, capacity] = [Number(r.uhyper()), Number(r.uhyper())]
      return { allocation, capacity }
    },
  ),
  snapshot: withXml('snapshot', 185),
} as const

/** A secret as the protocol names it. */
export interface SecretRef {
  readonly uuid: Buffer
  readonly usageType: number
  readonly usageId: string
}

const readSecret = (r: XdrReader): SecretRef => ({ uuid: r.fixed(16), usageType: r.int(), usageId: r.string() })

const writeSecret = (w: XdrWriter, secret: SecretRef): XdrWriter =>
  w.fixed(secret.uuid).int(secret.usageType).string(secret.usageId)

export const secretProcedures = {
  define: remote('define secret', 142, (w, xml: string) => w.string(xml).uint(0), readSecret),
  setValue: remote(
    'set secret',
    144,
    (w, a: { secret: SecretRef; value: Uint8Array }) => {
      writeSecret(w, a.secret).opaque(a.value).uint(0)
    },
    nothing,
  ),
  undefine: remote('undefine secret', 146, (w, secret: SecretRef) => void writeSecret(w, secret), nothing),
  list: remote(
    'list secrets',
    287,
    w => {
      w.int(1).uint(0)
    },
    r => r.array(readSecret),
  ),
} as const
