import { imagePropertiesOf } from '#model'
import { flag, required, text } from '../kit/arguments.ts'
import { type CommandGroup, command } from '../kit/command.ts'
import { findServer } from '../servers/find.ts'
import { mustRest, setImageProperties } from '../servers/image-properties.ts'
import { refusing } from '../servers/refusals.ts'
import { checkMachineType } from './machine-types.ts'
import { cellsOfGuests, machineType as property, serversWithoutType } from './unset.ts'

const server = required(text('<instance_uuid>', 'UUID of the instance'))

/** Exit 2: no such server; 3: it has none yet. */
const getMachineType = command({
  name: 'get_machine_type',
  help: 'Print the machine type that a server has and keeps.',
  arguments: { instance_uuid: server },
  run: ({ instance_uuid: id }, { world }) =>
    refusing({ InstanceNotFound: 2 }, async () => {
      const { [property]: type } = imagePropertiesOf((await findServer(world, id)).instance)
      if (type === undefined) return { exitCode: 3, text: `No machine type registered for instance ${id}` }
      return { exitCode: 0, text: type, value: { machine_type: type } }
    }),
})

/** Exit 2: no such server; 3: it is not at rest; 4: not a newer version of the same type; 5: no type that is supported. */
const updateMachineType = command({
  name: 'update_machine_type',
  help: 'Set the machine type of a server that is stopped or shelved.',
  arguments: {
    instance_uuid: server,
    machine_type: required(text('<machine_type>', 'Machine type to set')),
    '--force': flag('Whatever the state of the server and the type'),
  },
  async run({ instance_uuid: id, machine_type: type, '--force': force }, { world, out }) {
    if (force) out.say('Forcing update of machine type.')
    const refusals = {
      InstanceNotFound: 2,
      InstanceInvalidState: 3,
      InvalidMachineTypeUpdate: 4,
      UnsupportedMachineType: 5,
    }
    return refusing(refusals, async () => {
      const action = 'update machine type'
      const found = await findServer(world, id)
      const { [property]: previous } = imagePropertiesOf(found.instance)
      if (previous !== type) {
        if (!force) mustRest(found.instance, action)
        if (!force) checkMachineType(type, previous)
        await setImageProperties(world, found, { [property]: type }, { action, force })
      }
      const words = `Updated instance ${id} machine type to ${type} (previously ${previous ?? 'None'})`
      return { exitCode: 0, text: words, value: { machine_type: type, previous_type: previous ?? null } }
    })
  },
})

/** Exit 2: no such cell; 3: there are some. */
const listUnset = command({
  name: 'list_unset_machine_type',
  help: 'List the servers that keep no machine type yet: they get the default of the host of their next start.',
  arguments: { '--cell-uuid': text('<cell_uuid>', 'UUID of cell from which to list instances') },
  async run({ '--cell-uuid': uuid }, { world }) {
    const all = await (await world.cells()).list()
    const cells = uuid === undefined ? cellsOfGuests(all) : all.filter(cell => cell.uuid === uuid)
    if (uuid !== undefined && cells.length === 0) return { exitCode: 2, text: `Cell ${uuid} has no mapping.` }
    const ids = await serversWithoutType(cells)
    if (ids.length === 0) return { exitCode: 0, text: 'No instances found without hw_machine_type set.', value: [] }
    return { exitCode: 3, text: ids.join('\n'), value: ids }
  },
})

/** `nova-manage libvirt …`: what guests of libvirt are made of. */
export const libvirt: CommandGroup = {
  name: 'libvirt',
  help: 'machine types of servers',
  commands: [getMachineType, listUnset, updateMachineType],
  faultExitCode: 1,
}
