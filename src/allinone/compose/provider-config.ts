import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ProviderConfig, ProviderConfigInvalid, providersIn } from '#compute'

/** The operator's additions to resource providers, from the YAML files of the folder; none where there is no folder. */
export async function readProviderConfigs(folder: string): Promise<readonly ProviderConfig[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
  const configs: ProviderConfig[] = []
  for (const name of names.filter(n => n.endsWith('.yaml')).sort()) {
    const path = join(folder, name)
    configs.push(...providersIn(await parsed(path), path))
  }
  return configs
}

async function parsed(path: string): Promise<unknown> {
  // Few hosts have such files.
  const { parse } = await import('yaml')
  try {
    return parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw ProviderConfigInvalid({ reason: `Unable to load yaml file: ${path}: ${(error as Error).message}` })
  }
}
