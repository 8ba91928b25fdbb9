import {
  dateTime,
  intLike,
  links as linkList,
  list,
  obj,
  operation,
  parseIsoTime,
  query,
  reply,
  resource,
  since,
  str,
} from '#api/kit'
import { liveInProgress } from '#model'
import type { MigrationFilter } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { ChangesOutOfOrder } from '../instance-actions/index.ts'
import { listMoves } from './across.ts'
import { migration, migrationView } from './shape.ts'

const rule = 'os_compute_api:os-migrations:index'

const word = str.optional()

const listQuery = query(
  {
    hidden: word,
    host: word,
    instance_uuid: word,
    source_compute: word,
    status: word,
    migration_type: word,
    limit: intLike({ pattern: '^[0-9]*$', low: 0, min: 1 }).optional().once().since('2.59'),
    marker: word.once().since('2.59'),
    'changes-since': dateTime.optional().once().since('2.59'),
    'changes-before': dateTime.optional().once().since('2.66'),
    user_id: word.once().since('2.80'),
    project_id: word.once().since('2.80'),
  },
  { strict: since('2.59') },
)

interface Asked {
  readonly host?: string
  readonly instance_uuid?: string
  readonly source_compute?: string
  readonly status?: string
  readonly migration_type?: string
  readonly user_id?: string
  readonly project_id?: string
  readonly 'changes-since'?: string
  readonly 'changes-before'?: string
}

const given = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }

function filterOf(asked: Asked): MigrationFilter {
  const [from, to] = [asked['changes-since'], asked['changes-before']].map(text =>
    text === undefined ? undefined : parseIsoTime(text),
  )
  if (from !== undefined && to !== undefined && to < from) throw ChangesOutOfOrder({})
  return {
    ...given('host', asked.host),
    ...given('instanceId', asked.instance_uuid),
    ...given('sourceHost', asked.source_compute),
    ...given('status', asked.status),
    ...given('type', asked.migration_type),
    ...given('userId', asked.user_id),
    ...given('projectId', asked.project_id),
    ...given('changedSinceMs', from),
    ...given('changedBeforeMs', to),
  }
}

/** No record is ever hidden here, so whoever asks for hidden ones asks for none. */
const asksForHidden = (text: string | undefined): boolean =>
  text !== undefined && ['1', 'true', 't', 'yes', 'y', 'on'].includes(text.toLowerCase())

const index = operation<ApiDeps>()({
  policy: rule,
  alsoPolicies: [`${rule}:host`, `${rule}:all_projects`],
  query: listQuery,
  reply: reply(obj({ migrations: list(obj(migration)), migrations_links: linkList.optional().since('2.59') })),
  faults: { MarkerNotFound: 400, ChangesOutOfOrder: 400 },
  behaviours: { hasPages: since('2.59') },
  async handle({ query, caller, allow, may, behaves, page, nextLinks, links }, deps) {
    allow()
    const asked = filterOf(query)
    const seesAll = may(`${rule}:all_projects`)
    const own = caller.projectId ?? ''
    const isForeign = !seesAll && asked.projectId !== undefined && asked.projectId !== own
    const paging = behaves.hasPages ? { page: { limit: page().limit, marker: page().marker } } : {}
    const found =
      isForeign || asksForHidden(query.hidden) || paging.page?.limit === 0
        ? []
        : await listMoves(deps, { filter: seesAll ? asked : { ...asked, projectId: own }, ...paging })
    const showsHosts = may(`${rule}:host`)
    const migrations = found.map(move => ({
      ...migrationView(move, showsHosts),
      ...(move.type === 'live-migration' && liveInProgress.includes(move.status)
        ? { links: links.both(`servers/${move.instanceId}/migrations`, String(move.number)) }
        : {}),
    }))
    return {
      migrations,
      ...given('migrations_links', behaves.hasPages ? nextLinks('os-migrations', found, m => m.uuid) : undefined),
    }
  },
})

/** The record of all moves. */
export const migrations = resource('/os-migrations', { 'GET /': index })
