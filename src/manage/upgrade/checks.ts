import { Fault } from '#base'
import {
  EndpointMissing,
  isBefore,
  type Microversion,
  NeighbourFailed,
  NeighbourUnavailable,
  ServiceCredentialsRefused,
} from '#cloud'
import { cell0Uuid } from '#store'
import { cellsOfGuests, serversWithoutType } from '../libvirt/unset.ts'
import { type Finding, failure, noted, success, type UpgradeCheck, warning } from './check.ts'

const setUp = "Run command 'nova-manage cell_v2 simple_cell_setup' and then retry."

/** A cloud of one database needs no cells; one that has some has them all. */
const cells: UpgradeCheck = {
  name: 'Cells v2',
  async run(world) {
    const mappings = await (await world.apiStore()).cellMappings.list()
    if (mappings.length === 0) return noted('No cells are set up: the cloud is in one database, and needs none.')
    if (mappings.length < 2)
      return failure(
        `There needs to be at least two cell mappings, one for cell0 and one for your first cell. ${setUp}`,
      )
    if (!mappings.some(({ uuid }) => uuid === cell0Uuid)) return failure(`No cell0 mapping found. ${setUp}`)
    const store = await world.store()
    if ((await store.hostMappings.list()).length > 0) return success
    if ((await store.computeNodes.list()).length > 0)
      return failure(`No host mappings found but there are compute nodes. ${setUp}`)
    return noted(
      "No host mappings or compute nodes were found. Remember to run command 'nova-manage cell_v2 discover_hosts' when " +
        'new compute hosts are deployed.',
    )
  },
}

const shown = ([major, minor]: Microversion): string => `${major}.${minor}`

/** Consumer generations, and nested providers that share: Placement 4 (Train). */
const leastPlacement: Microversion = [1, 36]

function placementTrouble(error: unknown): Finding | undefined {
  // The section of nova.conf is read by whoever composes the services.
  if (error instanceof Fault && error.code === 'MissingAuthOptions')
    return failure('No credentials specified for placement API in nova.conf.')
  if (ServiceCredentialsRefused.is(error)) return failure('Placement service credentials do not work.')
  if (EndpointMissing.is(error)) return failure('Placement API endpoint not found.')
  if (NeighbourFailed.is(error) && error.params['status'] === 404)
    return failure('Placement API does not seem to be running.')
  if (NeighbourFailed.is(error) || NeighbourUnavailable.is(error))
    return failure('Discovery for placement API URI failed.')
  return undefined
}

const placement: UpgradeCheck = {
  name: 'Placement API',
  async run(world) {
    try {
      const newest = await world.newestMicroversion('placement')
      if (!isBefore(newest, leastPlacement)) return success
      return failure(`Placement API version ${shown(leastPlacement)} needed, you have ${shown(newest)}.`)
    } catch (error) {
      const trouble = placementTrouble(error)
      if (trouble === undefined) throw error
      return trouble
    }
  },
}

/** Attachments that are completed: Cinder 12 (Queens). */
const leastCinder: Microversion = [3, 44]

const cinder: UpgradeCheck = {
  name: 'Cinder API',
  async run(world) {
    if (!(await world.upgradeFacts()).hasVolumeCredentials) return success
    try {
      const newest = await world.newestMicroversion('volume')
      if (!isBefore(newest, leastCinder)) return success
      return failure(`Cinder API ${shown(leastCinder)} or greater is required. Deploy at least Cinder 12.0.0 (Queens).`)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return warning(`Unable to determine Cinder API version due to error: ${error.message}`)
    }
  },
}

const policy: UpgradeCheck = {
  name: 'Policy File JSON to YAML Migration',
  async run(world) {
    const { jsonPolicyFile } = await world.upgradeFacts()
    if (jsonPolicyFile === undefined) return success
    return failure(
      `Your policy file ${jsonPolicyFile} is JSON-formatted, which is deprecated. Convert it with ` +
        'oslopolicy-convert-json-to-yaml, and set [oslo_policy] policy_file if its name changes.',
    )
  },
}

const computes: UpgradeCheck = {
  name: 'Older than N-1 computes',
  async run(world) {
    const { oldestCompute } = await world.upgradeFacts()
    const directory = await world.cells()
    for (const cell of await directory.list()) {
      const least = await (await cell.store()).services.oldest('nova-compute')
      if (least === undefined || least >= oldestCompute) continue
      const where = (await directory.isOnly()) ? 'your system' : `cell ${cell.name ?? cell.uuid}`
      return failure(
        `The oldest nova-compute in ${where} has service version ${least}; this release works beside version ` +
          `${oldestCompute} and later. Upgrade it first, or delete its service if it is gone.`,
      )
    }
    return success
  },
}

const machineTypes: UpgradeCheck = {
  name: 'hw_machine_type unset',
  async run(world) {
    const all = await (await world.cells()).list()
    if ((await serversWithoutType(cellsOfGuests(all))).length === 0) return success
    return warning(
      'Instances found without hw_machine_type set. This warning can be ignored if your environment does not contain ' +
        'libvirt based compute hosts. Use the `nova-manage libvirt list_unset_machine_type` command to list these instances.',
    )
  },
}

const serviceTokens: UpgradeCheck = {
  name: 'Service User Token Configuration',
  async run(world) {
    if ((await world.upgradeFacts()).sendsServiceToken) return success
    return failure(
      'Service user token configuration is required for all Nova services: set [service_user] send_service_user_token ' +
        'and its credentials.',
    )
  },
}

/** In Nova's order. */
export const upgradeChecks: readonly UpgradeCheck[] = [
  cells,
  placement,
  cinder,
  policy,
  computes,
  machineTypes,
  serviceTokens,
]
