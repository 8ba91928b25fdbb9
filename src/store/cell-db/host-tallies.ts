import { type InstanceImage, volumeImage } from '#model'
import { sharedJson } from '../shared-json.ts'
import type { Db } from '../tables.ts'

/** Counts by name. */
export type Tally = ReadonlyMap<string, number>

const imageOf = sharedJson<InstanceImage>()
const metadataOf = sharedJson<Readonly<Record<string, string>>>()

interface Row {
  readonly image_json: string | null
  /** Only of servers without an image of their own. */
  readonly kept: string | null
}

/** Of the image, or of what the root volume has kept of one. */
const propertiesOf = ({ image_json: image, kept }: Row): Readonly<Record<string, string>> =>
  image !== null ? imageOf(image).properties : kept === null ? {} : volumeImage(metadataOf(kept)).properties

function add(tallies: Map<string, Map<string, number>>, host: string, name: string, count: number): void {
  const tally = tallies.get(host) ?? new Map<string, number>()
  tallies.set(host, tally)
  tally.set(name, (tally.get(name) ?? 0) + count)
}

/** Servers by host and whatever else, alive and on a host. */
const placed = (db: Db) =>
  db
    .selectFrom('instances')
    .select(e => [
      'host',
      'image_json',
      e.case().when('image_json', 'is', null).then(e.ref('system_metadata_json')).else(null).end().as('kept'),
      e.fn.countAll<number>().as('count'),
    ])
    .where('deleted', '=', 0)
    .where('host', 'is not', null)
    .groupBy(['host', 'image_json', 'kept'])

/** How often `name=value` occurs among the image properties of the servers of each host. */
export async function imagePropertyTallies(db: Db): Promise<ReadonlyMap<string, Tally>> {
  const tallies = new Map<string, Map<string, number>>()
  for (const row of await placed(db).execute()) {
    for (const [name, value] of Object.entries(propertiesOf(row)))
      add(tallies, String(row.host), `${name}=${value}`, Number(row.count))
  }
  return tallies
}

/** Servers of each host by project, state, task and system, under the names that Nova gives them in a host's stats. */
export async function serverTallies(db: Db): Promise<ReadonlyMap<string, Tally>> {
  const rows = await placed(db)
    .select(['project_id', 'vm_state', 'task_state'])
    .groupBy(['project_id', 'vm_state', 'task_state'])
    .execute()
  const tallies = new Map<string, Map<string, number>>()
  for (const row of rows) {
    const { project_id: project, vm_state: state, task_state: task } = row
    const system = propertiesOf(row)['os_type'] ?? 'None'
    const names = [`num_proj_${project}`, `num_vm_${state}`, `num_task_${task ?? 'None'}`, `num_os_type_${system}`]
    for (const name of names) add(tallies, String(row.host), name, Number(row.count))
  }
  return tallies
}
