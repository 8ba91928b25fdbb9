import type { Unit } from './unit.ts'

/** Whose record shows the addresses of a port; only guests' ports have somebody. */
export async function touchServerOf(unit: Unit, portId: string): Promise<void> {
  const port = await unit.db
    .selectFrom('ports')
    .select(['deviceId', 'deviceOwner'])
    .where('id', '=', portId)
    .executeTakeFirst()
  if (port?.deviceOwner.startsWith('compute:') === true && port.deviceId !== '') unit.touched.servers.add(port.deviceId)
}

export const unassociated = { portId: null, fixedAddress: null, routerId: null, status: 'DOWN' } as const

/** Takes floating addresses off a port that goes, or (`onlyLost`) off those of its fixed addresses that it lost. */
export async function releaseFloatingIps(
  unit: Unit,
  portId: string,
  { onlyLost = false }: { onlyLost?: boolean } = {},
): Promise<void> {
  const kept = onlyLost
    ? await unit.db.selectFrom('fixedIps').select('address').where('portId', '=', portId).execute()
    : []
  const addresses = new Set<string | null>(kept.map(row => row.address))
  const held = await unit.db.selectFrom('floatingIps').selectAll().where('portId', '=', portId).execute()
  const lost = held.filter(ip => !addresses.has(ip.fixedAddress))
  for (const ip of lost) {
    const change = { ...unassociated, revision: ip.revision + 1, updatedAtMs: unit.nowMs }
    await unit.db.updateTable('floatingIps').set(change).where('id', '=', ip.id).execute()
  }
  if (lost.length > 0) await touchServerOf(unit, portId)
}
