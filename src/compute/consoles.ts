import { declareFault, instanceId } from '#base'
import type { ConsoleAccess, ConsoleAsk } from '#bus'
import type { ConsoleKind, VirtDriver } from '#virt'

export const ConsoleTypeInvalid = declareFault(
  'ConsoleTypeInvalid',
  'refused',
  (p: { type: string }) => `Invalid console type ${p.type}`,
)
export const ConsoleTypeUnavailable = declareFault(
  'ConsoleTypeUnavailable',
  'refused',
  (p: { type: string }) => `Unavailable console type ${p.type}.`,
)
export const ConsolesUnsupported = declareFault(
  'FeatureNotSupported',
  'refused',
  () => 'The requested functionality is not supported.',
  501,
)

/** One protocol as nova.conf of this host has it. */
export interface ConsoleOffer {
  readonly isEnabled: boolean
  /** Base address of the proxy by console type: `novnc`, `spice-html5`, … */
  readonly proxies: Readonly<Record<string, string>>
  /** Where a proxy reaches this host; null: where the hypervisor says. */
  readonly address: string | null
}

export interface ConsoleOptions {
  readonly offers: Readonly<Record<ConsoleKind, ConsoleOffer>>
  /** `[consoleauth] token_ttl`. */
  readonly tokenTtlMs: number
}

/** Where the console of a guest is and through which proxy its owner gets there. The token is the API's matter. */
export async function findConsole(
  driver: VirtDriver,
  options: ConsoleOptions | undefined,
  { id, kind, type }: ConsoleAsk,
): Promise<ConsoleAccess> {
  if (options === undefined) throw ConsoleTypeUnavailable({ type })
  const { isEnabled, proxies, address } = options.offers[kind]
  if (!isEnabled) throw ConsoleTypeUnavailable({ type })
  const accessUrlBase = Object.hasOwn(proxies, type) ? proxies[type] : undefined
  if (accessUrlBase === undefined) throw ConsoleTypeInvalid({ type })
  if (driver.consoles === undefined) throw ConsolesUnsupported({})
  const found = await driver.consoles.find(instanceId(id), kind)
  if (found === undefined) throw ConsoleTypeUnavailable({ type: kind })
  return { ...found, host: address ?? found.host, accessUrlBase, tokenTtlMs: options.tokenTtlMs }
}
