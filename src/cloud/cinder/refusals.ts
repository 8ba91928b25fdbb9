import type { Fault } from '#base'
import { refusal } from '../http/faults.ts'
import { VolumeConflict, VolumeForbidden, VolumeInputRefused, VolumeOverQuota } from './port.ts'

export interface CinderRefusal {
  readonly status: number
  readonly message: string
  readonly detail?: string
}

/** What Cinder refused, in Nova's words; `missing` says what a 404 means for the call. */
export function cinderFault(refused: CinderRefusal, missing: (options: { detail?: string }) => Fault): Fault {
  const { status, message, detail } = refused
  const options = detail === undefined ? {} : { detail }
  const reason = `${message} (HTTP ${status})`
  if (status === 404) return missing(options)
  if (status === 400) return VolumeInputRefused({ reason }, options)
  if (status === 403) return VolumeForbidden({ reason }, options)
  if (status === 409) return VolumeConflict({ reason }, options)
  if (status === 413) return VolumeOverQuota({ reason: message }, options)
  return refusal(status, 'VolumeRequestRefused', reason, detail)
}
