import type { Flavor } from '#model'
import { type Wire, wire } from '../payloads/index.ts'

/** A server's own copy of its flavor knows no projects. */
export const flavorPayload = (flavor: Flavor, projects: readonly string[] | null = null): Wire<'FlavorPayload'> =>
  wire('FlavorPayload', {
    flavorid: flavor.flavorId,
    name: flavor.name,
    memory_mb: flavor.memoryMiB,
    vcpus: flavor.vcpus,
    root_gb: flavor.rootGiB,
    ephemeral_gb: flavor.ephemeralGiB,
    swap: flavor.swapMiB,
    rxtx_factor: flavor.rxtxFactor,
    vcpu_weight: 0,
    disabled: flavor.isDisabled,
    is_public: flavor.isPublic,
    extra_specs: flavor.extraSpecs,
    projects,
    description: flavor.description,
  })
