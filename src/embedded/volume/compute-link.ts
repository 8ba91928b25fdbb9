import { type As, HttpClient, type IdentityPort } from '#cloud'
import type { ComputeLink } from './core.ts'

/** The first microversion whose reply names the attachment, and whose events include `volume-reimaged`. */
const version = { 'openstack-api-version': 'compute 2.93' }

/** Nova's public API, where the catalogue says it is, with the token of the service user. */
export function computeOverHttp(http: HttpClient, identity: IdentityPort): ComputeLink {
  const url = async (path: string): Promise<string | undefined> => {
    const base = await identity.endpoint('compute', 'internal')
    return base === undefined ? undefined : `${base.replace(/\/+$/, '')}${path}`
  }
  const headers = async () => ({ ...version, 'x-auth-token': (await identity.serviceCaller()).token })
  return {
    async tell({ name, serverIds, volumeId, isFailed }) {
      const at = await url('/os-server-external-events')
      if (at === undefined) return
      const status = isFailed ? 'failed' : 'completed'
      const events = serverIds.map(server_uuid => ({ name, server_uuid, tag: volumeId, status }))
      const reply = await http.send({
        service: 'compute',
        method: 'POST',
        url: at,
        headers: await headers(),
        json: { events },
        isRepeatable: true,
      })
      if (reply.status >= 300 && reply.status !== 404) throw new Error(`${reply.place}: ${reply.status} ${reply.text}`)
    },
    async attachmentOf(_as: As, serverId, volumeId) {
      const path = `/servers/${encodeURIComponent(serverId)}/os-volume_attachments/${encodeURIComponent(volumeId)}`
      const at = await url(path)
      if (at === undefined) return undefined
      const reply = await http.send({ service: 'compute', method: 'GET', url: at, headers: await headers() })
      if (reply.status === 404) return undefined
      if (reply.status !== 200) throw new Error(`${reply.place}: ${reply.status} ${reply.text}`)
      const body = JSON.parse(reply.text) as { volumeAttachment?: { attachment_id?: string } }
      return body.volumeAttachment?.attachment_id
    },
  }
}

/** A cloud without Nova. */
export const noCompute: ComputeLink = {
  tell: async () => undefined,
  attachmentOf: async () => undefined,
}
