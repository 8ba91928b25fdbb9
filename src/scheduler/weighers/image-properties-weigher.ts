import { ratioSettings } from '../options.ts'
import type { HostWeigher } from './weigher.ts'

/** Counts how often the image's properties occur among the images of the servers there. */
export const imagePropertiesWeigher: HostWeigher = {
  name: 'ImagePropertiesWeigher',
  multiplierName: 'image_props_weight_multiplier',
  multiplier: options => options.filter_scheduler.image_props_weight_multiplier,
  prepare({ spec, options }) {
    // A multiplier of an aggregate counts only where the option is on: to count is dear, as it is for Nova.
    if (options.filter_scheduler.image_props_weight_multiplier === 0) return null
    const ratios = ratioSettings(options.filter_scheduler.image_props_weight_setting)
    const wanted = Object.entries(spec.image?.properties ?? {}).flatMap(([name, value]) => {
      const ratio = ratios.size === 0 ? 1 : (ratios.get(name) ?? 0)
      return ratio === 0 ? [] : [{ key: `${name}=${value}`, ratio }]
    })
    if (wanted.length === 0) return null
    return host => {
      let sum = 0
      for (const { key, ratio } of wanted) sum += (host.imagePropertyCounts?.get(key) ?? 0) * ratio
      return sum
    }
  },
}
