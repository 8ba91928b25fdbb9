import { isStandardTrait } from '#model'
import type { RequestFilter } from './request-filter.ts'

const prefixes: readonly (readonly [property: string, prefix: string])[] = [
  ['hw_cdrom_bus', 'COMPUTE_STORAGE_BUS'],
  ['hw_disk_bus', 'COMPUTE_STORAGE_BUS'],
  ['hw_video_model', 'COMPUTE_GRAPHICS_MODEL'],
  ['hw_vif_model', 'COMPUTE_NET_VIF_MODEL'],
  ['hw_architecture', 'HW_ARCH'],
  ['hw_emulation_architecture', 'COMPUTE_ARCH'],
  // Nova builds COMPUTE_VIOMMU_<MODEL>, which no trait is called, and then adds nothing at all for such an image.
  ['hw_viommu_model', 'COMPUTE_VIOMMU_MODEL'],
]

/** Buses, models and architectures of the image become traits, all of them or none. */
export const transformImageMetadata: RequestFilter = {
  name: 'transform_image_metadata',
  apply({ spec, options }) {
    if (!options.scheduler.image_metadata_prefilter) return null
    const traits = new Set<string>()
    for (const [property, prefix] of prefixes) {
      const value = spec.image?.properties[property]
      if (value === undefined || value === '') continue
      const trait = `${prefix}_${value.toUpperCase().replaceAll('-', '_')}`
      if (!isStandardTrait(trait))
        return { says: `there is no trait ${trait}: the image's properties are not asked for` }
      traits.add(trait)
    }
    if (traits.size === 0) return null
    return { says: `the image's properties: ${[...traits].join(', ')}`, change: { rootRequired: [...traits] } }
  },
}
