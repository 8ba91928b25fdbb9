import type { RequestSpec } from '#model'
import type { ResourceRequest } from './resource-request.ts'

const resourceOrTrait = /^(resources|trait)([a-zA-Z0-9_-]{1,64})?:(.*)$/

/** Reads `resources:`, `trait:`, `group_policy` of the flavor and `trait:` of the image; other values are ignored. */
export function readExtraSpecs(spec: RequestSpec, request: ResourceRequest): 'none' | 'isolate' | undefined {
  let groupPolicy: 'none' | 'isolate' | undefined
  for (const [key, value] of Object.entries(spec.flavor.extraSpecs)) {
    if (key === 'group_policy') {
      if (value === 'none' || value === 'isolate') groupPolicy = value
      continue
    }
    const [, kind, suffix = '', name = ''] = resourceOrTrait.exec(key) ?? []
    if (name === '') continue
    if (kind === 'resources' && /^\d+$/.test(value)) request.group(suffix).resources.set(name, Number(value))
    if (kind === 'trait' && value === 'required') request.group(suffix).required.add(name)
    if (kind === 'trait' && value === 'forbidden') request.group(suffix).forbidden.add(name)
  }
  for (const [key, value] of Object.entries(spec.image?.properties ?? {})) {
    if (key.startsWith('trait:') && value === 'required') request.group().required.add(key.slice('trait:'.length))
  }
  return groupPolicy
}
