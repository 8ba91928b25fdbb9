import type { Resource } from '#api/kit'
import type { ApiDeps } from '../deps.ts'
import { flavors } from './flavors/index.ts'
import { servers } from './servers/index.ts'

/** Every resource of the Compute API. */
export const resources: readonly Resource<ApiDeps>[] = [flavors, servers]
