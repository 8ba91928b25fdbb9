import type { Resource } from '#api/kit'
import type { ApiDeps } from '../deps.ts'
import { servers } from './servers/index.ts'

/** Every resource of the Compute API. */
export const resources: readonly Resource<ApiDeps>[] = [servers]
