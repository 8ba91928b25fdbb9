import { declareFault } from '#base'
import { checkImageProperties, imagePropertiesOf, isImageProperty } from '#model'
import { required, text, texts } from '../kit/arguments.ts'
import { type CommandGroup, command } from '../kit/command.ts'
import { findServer } from '../servers/find.ts'
import { mustRest, setImageProperties } from '../servers/image-properties.ts'
import { refusing } from '../servers/refusals.ts'

export const InvalidFormat = declareFault(
  'InvalidInput',
  'refused',
  () => 'Invalid input received: --property should use the format key=value',
)

export const InvalidImagePropertyName = declareFault(
  'InvalidImagePropertyName',
  'refused',
  (p: { name: string }) => `Invalid image property name ${p.name}.`,
)

const server = required(text('<instance_uuid>', 'UUID of the instance'))

/** Exit 2: no such server; 3: it has no such property. */
const show = command({
  name: 'show',
  help: 'Print a property of the image that a server was made from, or what its host chose where the image says nothing.',
  arguments: { instance_uuid: server, property: required(text('<image_property>', 'Image property to show')) },
  run: ({ instance_uuid: id, property }, { world }) =>
    refusing({ InstanceNotFound: 2 }, async () => {
      const value = imagePropertiesOf((await findServer(world, id)).instance)[property]
      if (value === undefined) return { exitCode: 3, text: `Image property ${property} not found for instance ${id}.` }
      return { exitCode: 0, text: value, value: { [property]: value } }
    }),
})

function readProperties(words: readonly string[]): Readonly<Record<string, string>> {
  const entries = words.map(word => {
    const at = word.indexOf('=')
    if (at < 0) throw InvalidFormat({})
    return [word.slice(0, at), word.slice(at + 1)] as const
  })
  for (const [name] of entries) if (!isImageProperty(name)) throw InvalidImagePropertyName({ name })
  const properties = Object.fromEntries(entries)
  checkImageProperties(properties)
  return properties
}

/** Exit 2: no such server; 3: it is not at rest; 4: not name=value; 5: no such property; 6: no value of it. */
const set = command({
  name: 'set',
  help: 'Set properties of the image of a server that is stopped or shelved, for this server alone.',
  arguments: {
    instance_uuid: server,
    '--property': texts('<image_property>', 'Image property to set, as name=value; may be repeated'),
  },
  run({ instance_uuid: id, '--property': words }, { world }) {
    const refusals = {
      InstanceNotFound: 2,
      InstanceInvalidState: 3,
      InvalidInput: 4,
      InvalidImagePropertyName: 5,
      InvalidHardwareRequest: 6,
    }
    return refusing(refusals, async () => {
      const action = 'image_property set'
      const found = await findServer(world, id)
      mustRest(found.instance, action)
      const properties = readProperties(words)
      await setImageProperties(world, found, properties, { action })
      return { exitCode: 0, value: properties }
    })
  },
})

/** `nova-manage image_property …`: what servers keep of their images. */
export const imageProperty: CommandGroup = {
  name: 'image_property',
  help: 'properties of the images of servers',
  commands: [set, show],
  faultExitCode: 1,
}
