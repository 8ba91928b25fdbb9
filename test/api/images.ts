import type { ApiCloud, Person } from './harness.ts'

async function* bits(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text.padEnd(4096, '.'))
}

/** An active image of this person with these properties; its content begins with its name. */
export async function anImage(
  cloud: ApiCloud,
  name: string,
  properties: Readonly<Record<string, string>> = {},
  owner: Person = cloud.member,
): Promise<string> {
  const { images, identity } = cloud.deps
  const caller = await identity.validate(owner.token)
  const image = {
    name,
    visibility: 'private',
    diskFormat: 'raw',
    containerFormat: 'bare',
    minDiskGiB: 0,
    minRamMiB: 0,
  } as const
  const { id } = await images.create(caller, { ...image, properties })
  await images.upload(caller, id, bits(name))
  return id
}
