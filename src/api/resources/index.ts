import type { Resource } from '#api/kit'
import type { ApiDeps } from '../deps.ts'
import { extensions } from './extensions/index.ts'
import { flavors } from './flavors/index.ts'
import { servers } from './servers/index.ts'
import { versions } from './versions/index.ts'

/** Every resource of the Compute API. */
export const resources: readonly Resource<ApiDeps>[] = [extensions, flavors, servers, versions]
