import { operation, query, reply, resource, since, str } from '#api/kit'
import { InstanceNotFound, serverPassword as passwordIn, withServerPassword } from '#model'
import { turnOf } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'

const rule = 'os_compute_api:os-server-password'
const op = operation<ApiDeps, { id: string }>()
const faults = { InstanceNotFound: 404 }

/** What the guest has posted to the metadata service: its password, encrypted with the server's public key. */
const show = op({
  policy: `${rule}:show`,
  query: query({}, { strict: since('2.102') }),
  reply: reply('password', str),
  faults,
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return passwordIn(instance.systemMetadata)
  },
})

/** Forgets the record; the guest keeps its password, and may post another one. */
const clear = op({
  status: 204,
  policy: `${rule}:clear`,
  faults,
  async handle({ path, caller, allow }, deps) {
    const { id } = await findServer(deps, caller, path.id)
    await deps.store.transaction(async tx => {
      await tx.turn(turnOf.server(id))
      const instance = await tx.instances.get(id)
      allow(targetOf(instance))
      const systemMetadata = withServerPassword(instance.systemMetadata, '')
      if (!(await tx.instances.change(id, { systemMetadata }, deps.clock.now()))) throw InstanceNotFound({ id })
    })
  },
})

export const serverPassword = resource('/servers/{id}/os-server-password', { 'GET /': show, 'DELETE /': clear })
