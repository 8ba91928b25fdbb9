import { upsert } from '#store/engine'
import { OverQuota } from '../faults.ts'
import type { Db } from '../store/open.ts'

/** Neutron's own defaults. -1 is without limit. */
export const defaultQuotas = {
  network: 100,
  subnet: 100,
  port: 500,
  router: 10,
  floatingip: 50,
  security_group: 10,
  security_group_rule: 100,
} as const

export type QuotaResource = keyof typeof defaultQuotas
export type Quotas = Readonly<Record<QuotaResource, number>>
export const quotaResources = Object.keys(defaultQuotas) as readonly QuotaResource[]

const tableOf = {
  network: 'networks',
  subnet: 'subnets',
  port: 'ports',
  router: 'routers',
  floatingip: 'floatingIps',
  security_group: 'securityGroups',
  security_group_rule: 'securityGroupRules',
} as const satisfies Record<QuotaResource, string>

const isQuota = (name: string): name is QuotaResource => name in defaultQuotas

export async function quotasOf(db: Db, projectId: string): Promise<Quotas> {
  const rows = await db.selectFrom('quotas').selectAll().where('projectId', '=', projectId).execute()
  const own = Object.fromEntries(rows.filter(row => isQuota(row.resource)).map(row => [row.resource, row.amount]))
  return { ...defaultQuotas, ...own }
}

export async function usedOf(db: Db, projectId: string, resource: QuotaResource): Promise<number> {
  const row = await db
    .selectFrom(tableOf[resource])
    .select(db.fn.countAll<number>().as('used'))
    .where('projectId', '=', projectId)
    .executeTakeFirstOrThrow()
  return Number(row.used)
}

/** Called inside the transaction that inserts, so that parallel creates cannot pass the limit together. */
export async function checkQuota(db: Db, projectId: string, resource: QuotaResource, more = 1): Promise<void> {
  const limit = (await quotasOf(db, projectId))[resource]
  if (limit >= 0 && (await usedOf(db, projectId, resource)) + more > limit) throw OverQuota({ resources: resource })
}

export async function setQuotas(db: Db, projectId: string, amounts: Partial<Quotas>): Promise<void> {
  for (const [resource, amount] of Object.entries(amounts)) {
    await upsert(db, 'quotas', { projectId, resource, amount }, ['projectId', 'resource'])
  }
}

export async function resetQuotas(db: Db, projectId: string): Promise<void> {
  await db.deleteFrom('quotas').where('projectId', '=', projectId).execute()
}

export async function projectsWithQuotas(db: Db): Promise<readonly string[]> {
  const rows = await db.selectFrom('quotas').select('projectId').distinct().execute()
  return rows.map(row => row.projectId)
}
