import { demand } from '../placement-query/flavor-demands.ts'
import type { RequestFilter } from './request-filter.ts'

/** A virtio sound device needs a host that knows it. */
export const virtioSoundFilter: RequestFilter = {
  name: 'virtio_sound_filter',
  apply: ({ spec }) =>
    demand(spec, 'sound_model') === 'virtio'
      ? { says: 'a virtio sound device', change: { rootRequired: ['COMPUTE_SOUND_MODEL_VIRTIO'] } }
      : null,
}
