/** What other services tell about servers; the names are Nova's, the microversions that take them the API's matter. */
export const externalEventNames = [
  'network-changed',
  'network-vif-plugged',
  'network-vif-unplugged',
  'network-vif-deleted',
  'volume-extended',
  'power-update',
  'accelerator-request-bound',
  'volume-reimaged',
] as const
export type ExternalEventName = (typeof externalEventNames)[number]

export interface ExternalEvent {
  readonly instanceId: string
  readonly name: ExternalEventName
  readonly status: 'failed' | 'completed' | 'in-progress'
  /** The port, volume, power state or accelerator request it is about. */
  readonly tag: string | null
  /** The action in the actions log that it belongs to, for events that are recorded there. */
  readonly requestId: string
}
