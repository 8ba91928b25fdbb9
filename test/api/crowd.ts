import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { newUuid, waitFor } from '#base'

type Row = Record<string, SQLInputValue>
/** Columns of the nth copy that differ from the row that is copied. */
type Differences = (n: number) => Row

/**
 * Rows by the thousand: copies of what a cloud of the harness has made by its API, written into its database file at once.
 * The cloud's own writers wait meanwhile, because all of this is one synchronous transaction.
 */
export class Crowd {
  readonly #db: DatabaseSync

  constructor(file: string) {
    this.#db = new DatabaseSync(file, { timeout: 0 })
  }

  close(): void {
    this.#db.close()
  }

  async write(work: () => void): Promise<void> {
    const begun = () => {
      try {
        this.#db.exec('begin immediate')
        return true
      } catch {
        return undefined // somebody else writes
      }
    }
    await waitFor('the database to be free', begun, { deadlineMs: 60_000, everyMs: 2 })
    work()
    this.#db.exec('commit')
  }

  row(table: string, where: Row): Row {
    const columns = Object.keys(where)
    const condition = columns.map(c => `"${c}" = ?`).join(' and ')
    const found = this.#db.prepare(`select * from "${table}" where ${condition}`).get(...Object.values(where))
    if (found === undefined) throw new Error(`no row of ${table} where ${JSON.stringify(where)}`)
    return found as Row
  }

  /** Rows `from` to `to` (exclusive) like `template`, with a number of their own where the table counts. */
  copy(table: string, template: Row, [from, to]: readonly [number, number], differ: Differences): void {
    for (let n = from; n < to; n++) {
      const row: Row = { ...template, ...differ(n) }
      if ('number' in template && !('number' in differ(n))) delete row['number']
      this.insert(table, row)
    }
  }

  insert(table: string, row: Row): number {
    const columns = Object.keys(row)
    const text = `insert into "${table}" (${columns.map(c => `"${c}"`)}) values (${columns.map(() => '?')})`
    return Number(this.#db.prepare(text).run(...Object.values(row)).lastInsertRowid)
  }

  change(text: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(text).run(...values)
  }
}

export interface Sample {
  /** A server with a volume, tags and a group. */
  readonly serverId: string
  readonly host: string
  readonly groupId: string
  readonly userId: string
}

const hosts = 10
/** Of servers: how many rows of each other kind there are. */
const share = 10

/** Everything that lists show: `from` to `to` servers and a tenth of all else. */
export function populate(crowd: Crowd, sample: Sample, [from, to]: readonly [number, number]): void {
  const few = [from / share, to / share] as const
  fleet(crowd, sample, few)
  groups(crowd, sample, few)
  servers(crowd, sample, [from, to])
  ofOneServer(crowd, sample, few)
  catalogue(crowd, sample, few)
}

function servers(crowd: Crowd, { serverId, groupId }: Sample, [from, to]: readonly [number, number]): void {
  const of = { instance_id: serverId }
  const instance = crowd.row('instances', { id: serverId })
  const disk = crowd.row('block_device_mappings', { ...of, source_type: 'volume' })
  const spec = crowd.row('request_specs', of)
  const group = crowd.row('server_groups', { uuid: groupId })
  // The sample itself is the first.
  for (let n = Math.max(1, from); n < to; n++) {
    const id = newUuid()
    const isBroken = n % 5 === 0
    const vm_state = isBroken ? 'error' : 'active'
    crowd.copy('instances', instance, [n, n + 1], () => ({ id, vm_state, host: `host-${1 + (n % hosts)}` }))
    crowd.copy('request_specs', spec, [n, n + 1], () => ({ instance_id: id }))
    crowd.copy('block_device_mappings', disk, [n, n + 1], () => ({
      id: newUuid(),
      instance_id: id,
      volume_id: newUuid(),
    }))
    for (const tag of ['one', 'two']) crowd.insert('instance_tags', { instance_id: id, tag })
    // Half of them are in the sample's group.
    const group_number = n % 2 === 0 ? group['number'] : groupNumbers[n % groupNumbers.length]
    crowd.insert('server_group_members', { group_number: group_number ?? 0, instance_id: id })
    if (isBroken)
      crowd.insert('instance_faults', { instance_id: id, code: 500, message: 'No valid host', created_at: 1000 })
  }
}

function fleet(crowd: Crowd, { host }: Sample, range: readonly [number, number]): void {
  const service = crowd.row('services', { host, binary: 'nova-compute' })
  const node = crowd.row('compute_nodes', { host })
  const named = (n: number) => ({ uuid: newUuid(), host: `host-${n + 2}` })
  crowd.copy('services', service, range, named)
  crowd.copy('compute_nodes', node, range, n => ({ ...named(n), hypervisor_hostname: `host-${n + 2}` }))
}

function ofOneServer(crowd: Crowd, { serverId }: Sample, range: readonly [number, number]): void {
  const of = { instance_id: serverId }
  const action = crowd.row('instance_actions', { ...of, action: 'create' })
  crowd.copy('instance_actions', action, range, n => ({ request_id: `req-${n}` }))
  const disk = crowd.row('block_device_mappings', { ...of, source_type: 'volume' })
  crowd.copy('block_device_mappings', disk, range, () => ({ id: newUuid(), volume_id: newUuid(), device_name: null }))
  for (let n = range[0]; n < range[1]; n++) {
    crowd.insert('migrations', {
      uuid: newUuid(),
      ...of,
      type: n % 2 === 0 ? 'live-migration' : 'resize',
      status: n % 2 === 0 ? 'running' : 'confirmed',
      source_host: 'host-1',
      dest_host: 'host-2',
      cross_cell: 0,
      pending_vcpus: 0,
      pending_memory_mib: 0,
      created_at: n,
      updated_at: n,
    })
  }
}

function catalogue(crowd: Crowd, { userId }: Sample, range: readonly [number, number]): void {
  const flavor = crowd.row('flavors', { name: 'm1.test' })
  crowd.copy('flavors', flavor, range, n => ({
    flavor_id: `flavor-${n}`,
    name: `flavor-${n}`,
    extra_specs_json: '{"hw:cpu_policy":"shared"}',
  }))
  for (let n = range[0]; n < range[1]; n++) {
    crowd.insert('key_pairs', {
      user_id: userId,
      name: `key-${n}`,
      type: 'ssh',
      public_key: 'ssh-ed25519 AAAA',
      fingerprint: '00:11',
      created_at: n,
    })
    const aggregate_number = crowd.insert('aggregates', { uuid: newUuid(), name: `aggregate-${n}`, created_at: n })
    crowd.insert('aggregate_hosts', { aggregate_number, host: `host-${n + 2}` })
    crowd.insert('aggregate_metadata', { aggregate_number, name: 'availability_zone', value: `zone-${n}` })
  }
}

const groupNumbers: number[] = []

function groups(crowd: Crowd, { groupId }: Sample, [from, to]: readonly [number, number]): void {
  const { number: _, ...rest } = crowd.row('server_groups', { uuid: groupId })
  for (let n = from; n < to; n++)
    groupNumbers.push(crowd.insert('server_groups', { ...rest, uuid: newUuid(), name: `group-${n}` }))
}
