import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fromJson, type Log } from '#base'
import type { Loader } from '../domain/index.ts'

/** What the machine's owner puts into the first hides files of the same name in the second; an empty file hides only. */
const folders = ['/etc/qemu/firmware', '/usr/share/qemu/firmware']

interface Descriptor {
  readonly 'interface-types'?: readonly string[]
  readonly mapping?: {
    readonly device?: string
    readonly executable?: { readonly filename?: string; readonly format?: string }
    readonly 'nvram-template'?: { readonly filename?: string }
    readonly filename?: string
  }
  readonly targets?: readonly { readonly architecture?: string; readonly machines?: readonly string[] }[]
  readonly features?: readonly string[]
}

/** The descriptors say `i386` where libvirt says `i686`. */
const architectureNames: Readonly<Record<string, string>> = { i386: 'i686', arm: 'armv7l' }

/** Only builds that QEMU maps as flash: their variables are a file of the guest's. */
export function loaderIn(text: string): Loader | undefined {
  const descriptor = fromJson<Descriptor>(text)
  const { mapping } = descriptor
  const executable = mapping?.executable?.filename
  if (descriptor['interface-types']?.includes('uefi') !== true || mapping?.device !== 'flash') return undefined
  if (executable === undefined || (mapping.executable?.format ?? 'raw') !== 'raw') return undefined
  return {
    executable,
    nvramTemplate: mapping['nvram-template']?.filename ?? null,
    features: descriptor.features ?? [],
    targets: (descriptor.targets ?? []).map(({ architecture = '', machines = [] }) => ({
      architecture: architectureNames[architecture] ?? architecture,
      machines,
    })),
  }
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter(name => name.endsWith('.json')).map(name => join(folder, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The UEFI builds of this machine in the order that their packagers want: by name. */
export async function readLoaders(log: Log, from: readonly string[] = folders): Promise<readonly Loader[]> {
  const byName = new Map<string, string>()
  for (const folder of from)
    for (const path of await filesIn(folder)) if (!byName.has(basename(path))) byName.set(basename(path), path)
  const loaders: Loader[] = []
  for (const name of [...byName.keys()].sort()) {
    const path = byName.get(name) ?? ''
    try {
      const text = await readFile(path, 'utf8')
      const loader = text.trim() === '' ? undefined : loaderIn(text)
      if (loader !== undefined) loaders.push(loader)
    } catch (error) {
      log.warn({ path, err: error }, 'firmware descriptor cannot be read; it is passed over')
    }
  }
  return loaders
}
