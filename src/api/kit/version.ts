import { declareFault } from '#base'

/** `2.N`, as people write it. */
export type VersionText = `2.${number}`

/** The N of `2.N`. `legacy` stands for the /v2 mount, which has no microversions and behaves as 2.1 with lax bodies. */
export type Version = number

export const legacy: Version = 0
export const minVersion: Version = 1
export const maxVersion: Version = 104

export const minor = (text: VersionText): Version => Number(text.slice(2))

export const versionText = (version: Version): string => `2.${version === legacy ? minVersion : version}`

export const VersionFormat = declareFault(
  'InvalidAPIVersionString',
  'refused',
  (p: { version: string }) =>
    `API Version String ${p.version} is of invalid format. Must be of format MajorNum.MinorNum.`,
)

export const VersionOutOfRange = declareFault(
  'InvalidGlobalAPIVersion',
  'refused',
  (p: { version: string }) =>
    `Version ${p.version} is not supported by the API. Minimum is ${versionText(minVersion)} and maximum is ${versionText(maxVersion)}.`,
  406,
)

/** The standard header may name several services; the last `compute` of the list counts. */
function standardHeader(value: string): string | undefined {
  for (const part of value.split(',').toReversed()) {
    const [service, ...rest] = part.trim().split(/\s+/)
    if (service?.toLowerCase() === 'compute' && rest.length > 0) return rest.join(' ')
  }
  return undefined
}

/** The version text a client asked for, or undefined when neither header names one. The standard header wins. */
export function requestedVersion(standard: string | undefined, old: string | undefined): string | undefined {
  const named = standard === undefined ? undefined : standardHeader(standard)
  return named ?? old?.split(',').at(-1)?.trim()
}

/** `latest`, `2.N`, or nothing (2.1). Throws VersionFormat (400) or VersionOutOfRange (406). */
export function negotiate(asked: string | undefined): Version {
  if (asked === undefined) return minVersion
  if (asked === 'latest') return maxVersion
  const match = /^([1-9]\d*)\.([1-9]\d*|0)$/.exec(asked)
  if (match === null) throw VersionFormat({ version: asked })
  const version = Number(match[2])
  if (match[1] !== '2' || version < minVersion || version > maxVersion) throw VersionOutOfRange({ version: asked })
  return version
}
