import { applicationCredentialRoutes } from './application-credentials.ts'
import { catalogRoutes } from './catalog.ts'
import { credentialRoutes } from './credentials.ts'
import { domainRoutes } from './domains.ts'
import type { Parts } from './exchange.ts'
import { grantRoutes } from './grants.ts'
import { groupRoutes } from './groups.ts'
import { limitRoutes } from './limits.ts'
import { projectRoutes } from './projects.ts'
import { regionRoutes } from './regions.ts'
import { roleAssignmentRoutes } from './role-assignments.ts'
import { roleRoutes } from './roles.ts'
import { tokenRoutes } from './tokens.ts'
import { userRoutes } from './users.ts'
import { versionRoutes } from './versions.ts'

/** Every route of the identity API. */
export function routes(parts: Parts): void {
  versionRoutes(parts)
  tokenRoutes(parts)
  projectRoutes(parts)
  domainRoutes(parts)
  userRoutes(parts)
  groupRoutes(parts)
  roleRoutes(parts)
  grantRoutes(parts)
  roleAssignmentRoutes(parts)
  regionRoutes(parts)
  catalogRoutes(parts)
  applicationCredentialRoutes(parts)
  credentialRoutes(parts)
  limitRoutes(parts)
}
