import { asksFor } from '../placement-query/flavor-demands.ts'
import type { RequestFilter } from './request-filter.ts'

/** Packed virtqueues, asked for by flavor or image. */
export const packedVirtqueueFilter: RequestFilter = {
  name: 'packed_virtqueue_filter',
  apply: ({ spec }) =>
    asksFor(spec, 'virtio_packed_ring')
      ? { says: 'packed virtqueues', change: { rootRequired: ['COMPUTE_NET_VIRTIO_PACKED'] } }
      : null,
}
