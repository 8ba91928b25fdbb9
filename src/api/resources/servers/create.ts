import { randomBytes } from 'node:crypto'
import { always, anything, operation, reply, since, until } from '#api/kit'
import { acceptBuild } from '../../accept/build.ts'
import type { ApiDeps } from '../../deps.ts'
import { buildIntent, groupNames } from './create-intent.ts'
import { createBody } from './create-shape.ts'
import { deviceFaults } from './devices/index.ts'

const op = operation<ApiDeps>()

/** Characters of Nova's generated passwords: those that people do not mix up. */
const passwordAlphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
export const newPassword = (length: number): string =>
  Array.from(randomBytes(length), byte => passwordAlphabet[byte % passwordAlphabet.length]).join('')

const answerOf = (
  id: string,
  groups: readonly string[],
  password: string | undefined,
  diskConfig: string,
  links: { rel: string; href: string }[],
) => ({
  server: {
    id,
    links,
    'OS-DCF:diskConfig': diskConfig,
    security_groups: groups.map(name => ({ name })),
    ...(password === undefined ? {} : { adminPass: password }),
  },
})

/** Accepts a new server; the answer comes before anything is built. */
export const create = op({
  status: always(202),
  policy: 'os_compute_api:servers:create',
  alsoPolicies: [
    'os_compute_api:servers:create:attach_network',
    'os_compute_api:servers:create:attach_volume',
    'os_compute_api:servers:create:trusted_certs',
    'os_compute_api:servers:create:forced_host',
    'os_compute_api:servers:create:zero_disk_flavor',
    'compute:servers:create:requested_destination',
    'network:attach_external_network',
  ],
  body: createBody,
  reply: reply(anything),
  faults: {
    ...deviceFaults,
    BadServerRequest: 400,
    InvalidHardwareRequest: 400,
    InvalidNumaRequest: 400,
    PciInvalidAlias: 400,
    PciRequestAliasNotDefined: 400,
    CreateWithPortResourceRequestOldVersion: 400,
    NetworkAmbiguous: 409,
    NoUniqueMatch: 409,
    PortInUse: 409,
    ExternalNetworkAttachForbidden: 403,
    MetadataLimitExceeded: 403,
    OnsetFileLimitExceeded: 403,
    OverQuota: 403,
    GroupMemberLimitExceeded: 403,
    PortLimitExceeded: 403,
    InstanceGroupNotFound: 400,
  },
  behaviours: { namesDescribe: until('2.19'), takesMultiattach: since('2.60'), takesPortResources: since('2.72') },
  async handle({ body, envelope, caller, allow, insist, may, behaves, header, links, requestId }, deps) {
    allow()
    const adminPassword = body.adminPass ?? newPassword(deps.settings.passwordLength)
    const intent = await buildIntent(deps, body, envelope, {
      caller,
      adminPassword,
      insist,
      may,
      isDescribedByName: behaves.namesDescribe,
      takesMultiattach: behaves.takesMultiattach,
      takesPortResources: behaves.takesPortResources,
    })
    const accepted = await acceptBuild(deps, caller, requestId, intent)
    if (body.return_reservation_id === true) return { reservation_id: accepted.reservationId }
    const id = accepted.instanceIds[0] ?? ''
    header('Location', links.self('servers', id))
    const groups = groupNames(body)
    return answerOf(
      id,
      groups.length === 0 ? ['default'] : groups,
      deps.settings.showsAdminPassword ? adminPassword : undefined,
      intent.diskConfig,
      links.both('servers', id),
    )
  },
})
