import { element } from './element.ts'
import type { Family } from './host.ts'
import { isTrue, positiveInteger } from './properties.ts'

/** Every guest gets one unless the flavor forbids it; hw_rng_model knows only virtio. */
export const rng: Family = (spec, host) => {
  const { extraSpecs } = spec.flavor
  if (!isTrue(extraSpecs['hw_rng:allowed'], true)) return undefined
  const bytes = positiveInteger(extraSpecs['hw_rng:rate_bytes'])
  const period = positiveInteger(extraSpecs['hw_rng:rate_period'])
  const { rngBackend } = host.settings
  return element(
    'rng',
    { model: 'virtio' },
    bytes === undefined ? undefined : element('rate', { bytes, period }),
    element('backend', { model: 'random' }, rngBackend === '' ? undefined : rngBackend),
  )
}
