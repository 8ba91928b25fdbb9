import type { Client } from './client.ts'
import type { HostsView } from './found-guest.ts'

/** Something that can be killed and started again, or hindered and left alone. */
export interface Target {
  readonly name: string
  /** The hypervisor host whose nova-compute it is. */
  readonly host?: string
  /** It is not killed but declared dead, and always for so long that it is believed. */
  readonly isFenced?: true
  /** How long it is away, at least and at most; a second at most without it. */
  readonly awayMs?: readonly [low: number, high: number]
  /** kill -9; returns when it is dead. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** A cloud whose parts are processes of their own, and how to look at it from outside. */
export interface Arena {
  readonly client: Client
  readonly targets: readonly Target[]
  /** How many hosts there are. */
  readonly hostCount: number
  /** What lies on the hosts now. */
  look(): Promise<HostsView>
  /** URLs of Nova's databases, one per cell. */
  readonly databases: readonly string[]
  /** Where logs lie, for whoever looks into a failure. */
  readonly folder: string
  /** Something here kills guests themselves: they may be off at any time, and stay so. */
  readonly killsGuests?: true
  /** Everything ends; `keepsFiles`: and leaves its logs and databases to whoever wants to know. */
  close(keepsFiles?: boolean): Promise<void>
}

/** Short intervals, so that what runs every few minutes in a cloud runs several times in a test. */
export const impatience = `
report_interval = 1
service_down_time = 5
update_resources_interval = 2
running_deleted_instance_poll_interval = 2
sync_power_state_interval = 2
reclaim_instance_interval = 25
shelved_offload_time = 3
shelved_poll_interval = 2
block_device_allocate_retries_interval = 1
shutdown_timeout = 1
[conductor]
audit_interval = 2
`
