import { isStandardTrait } from '#model'
import type { RequestFilter } from './request-filter.ts'

/** Hosts that can use the image's disk format; without meaning for a server that boots from a volume. */
export const requireImageTypeSupport: RequestFilter = {
  name: 'require_image_type_support',
  apply({ spec, options }) {
    if (!options.scheduler.query_placement_for_image_type_support) return null
    if (spec.isVolumeBacked || spec.image === null) return null
    const trait = `COMPUTE_IMAGE_TYPE_${spec.image.diskFormat.toUpperCase()}`
    if (!isStandardTrait(trait)) return { says: `there is no trait ${trait}: any host` }
    return { says: `the image is ${spec.image.diskFormat}: ${trait}`, change: { rootRequired: [trait] } }
  },
}
