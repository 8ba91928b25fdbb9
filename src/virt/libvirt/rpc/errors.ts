import { type Fault } from '#base'
import { GuestInWrongState, GuestNotFound, HypervisorError } from '../../faults.ts'
import { type XdrReader } from './xdr.ts'

/** virErrorNumber, those that change what we do. */
export const errorCode = {
  internal: 1,
  noSupport: 3,
  invalidArgument: 8,
  operationFailed: 9,
  noDomain: 42,
  noSecret: 66,
  operationInvalid: 55,
  operationTimeout: 68,
  argumentUnsupported: 74,
  agentUnresponsive: 86,
  deviceMissing: 99,
} as const

/** What the daemon answered; turned into a Fault where the operation and the guest are known. */
export class LibvirtError extends Error {
  readonly code: number
  readonly domain: number

  constructor(code: number, domain: number, message: string) {
    super(message)
    this.name = 'LibvirtError'
    this.code = code
    this.domain = domain
  }
}

export function readError(reader: XdrReader): LibvirtError {
  const code = reader.int()
  const domain = reader.int()
  const message = reader.optional(r => r.string())
  return new LibvirtError(code, domain, message ?? `libvirt error ${code} in ${domain}`)
}

export const isLibvirtError = (error: unknown, ...codes: number[]): error is LibvirtError =>
  error instanceof LibvirtError && (codes.length === 0 || codes.includes(error.code))

/** The fault a caller of the driver sees. Faults and bugs pass unchanged. */
export function asFault(error: unknown, operation: string, id: string): unknown {
  if (!(error instanceof LibvirtError)) return error
  return faultOf(error, operation, id)
}

function faultOf(error: LibvirtError, operation: string, id: string): Fault {
  const options = { detail: `libvirt error ${error.code}, domain ${error.domain}: ${error.message}`, cause: error }
  if (error.code === errorCode.noDomain) return GuestNotFound({ id }, options)
  if (error.code === errorCode.operationInvalid)
    return GuestInWrongState({ id, operation, state: error.message }, options)
  return HypervisorError({ operation, reason: error.message }, options)
}
