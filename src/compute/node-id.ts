import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { declareFault, isUuidLike, newUuid } from '#base'

export const InvalidComputeId = declareFault(
  'InvalidConfiguration',
  'final',
  (p: { path: string }) => `${p.path} does not hold a UUID: it names this host's compute node and must not be edited.`,
)

/** The host's own id, kept in `<state_path>/compute_id` as Nova does, so that a renamed host stays the same provider. */
export async function readNodeId(statePath: string): Promise<string> {
  const path = join(statePath, 'compute_id')
  try {
    const id = (await readFile(path, 'utf8')).trim()
    if (!isUuidLike(id)) throw InvalidComputeId({ path })
    return id
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error
  }
  const id = newUuid()
  await writeFile(`${path}.new`, `${id}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
  return id
}
