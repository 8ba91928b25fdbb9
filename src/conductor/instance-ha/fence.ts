import type { Service } from '#store'
import type { ConductorDeps } from '../deps.ts'

/** Every reason that instance HA shows begins so; others are the operator's and stay. */
export const reasonPrefix = 'instance HA: '

/** The column's length. */
const longestReason = 255

export const reason = (text: string): string => `${reasonPrefix}${text}`.slice(0, longestReason)

/**
 * Whether it is still certain that no guest runs there: either nobody has heard of the host since it was fenced, or it has
 * come back by the rules of a lease that it is refused, and so starts no guest.
 */
export const isCertain = ({ isForcedDown, fence, reportCount, leaseMs }: Service): boolean =>
  isForcedDown && fence !== null && (reportCount === fence.heard || leaseMs !== null)

export const isFenced = async ({ store }: ConductorDeps, host: string): Promise<boolean> =>
  ((await store.services.find(host, 'nova-compute'))?.fence ?? null) !== null
