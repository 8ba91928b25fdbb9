import type { As, Caller } from '#cloud'
import { BadRequest, PolicyNotAuthorized } from '../faults.ts'
import type { Db } from '../store/open.ts'

/** Who asks, in the terms of this service. */
export interface Requester {
  readonly isAdmin: boolean
  /** A reader only reads. */
  readonly mayWrite: boolean
  readonly projectId: string | null
}

/** Nova itself, or the service's own work. */
export const ourselves: Requester = { isAdmin: true, mayWrite: true, projectId: null }

const writers = ['member', '_member_', 'admin', 'manager', 'service']

export function requesterOf(caller: Caller): Requester {
  const roles = caller.roles.map(role => role.toLowerCase())
  return {
    isAdmin: roles.includes('admin'),
    mayWrite: roles.some(role => writers.includes(role)),
    projectId: caller.projectId,
  }
}

export const requesterAs = (as: As): Requester => (as === 'service' ? ourselves : requesterOf(as))

export interface Reading {
  readonly db: Db
  readonly requester: Requester
}

export function requireAdmin(requester: Requester, rule: string): void {
  if (!requester.isAdmin) throw PolicyNotAuthorized({ rule: `rule:${rule}` })
}

/** The owner of a new resource: the caller's project, or (administrators) whichever the body names. */
export function ownerOf(requester: Requester, body: { project_id?: string; tenant_id?: string }): string {
  const { project_id, tenant_id } = body
  if (project_id !== undefined && tenant_id !== undefined && project_id !== tenant_id) {
    throw BadRequest({ reason: "'project_id' and 'tenant_id' do not match" })
  }
  const asked = project_id ?? tenant_id
  if (asked !== undefined && asked !== requester.projectId && !requester.isAdmin) {
    throw BadRequest({
      reason:
        "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges",
    })
  }
  const owner = asked ?? requester.projectId
  if (owner === null) throw BadRequest({ reason: 'Running without a project requires that project_id is specified' })
  return owner
}
