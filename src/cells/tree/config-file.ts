import { readFile, stat } from 'node:fs/promises'
import { isRecord } from '#base'
import type { NeighbourCell } from '#store'
import { CellsConfigUnusable } from '../faults.ts'
import { checkedName } from '../names.ts'
import type { NeighbourSource } from './neighbour.ts'

/**
 * `[cells] cells_config`: a JSON object whose members have Nova's columns, `{"west": {"name": "west", "is_parent": false,
 * "transport_url": "rabbit://…", "weight_offset": 0, "weight_scale": 1}}`. The name may be left out where it is the key.
 */
function neighbourOf(file: string, key: string, value: unknown): NeighbourCell {
  const refuse = (reason: string) => CellsConfigUnusable({ file, reason: `${key}: ${reason}` })
  if (!isRecord(value)) throw refuse('it is no object')
  const { name = key, is_parent = false, transport_url, weight_offset = 0, weight_scale = 1 } = value
  if (typeof name !== 'string') throw refuse('its name is no text')
  if (typeof is_parent !== 'boolean') throw refuse('is_parent is neither true nor false')
  if (typeof transport_url !== 'string') throw refuse('it has no transport_url')
  if (typeof weight_offset !== 'number') throw refuse('weight_offset is no number')
  if (typeof weight_scale !== 'number') throw refuse('weight_scale is no number')
  const weights = { weightOffset: weight_offset, weightScale: weight_scale }
  return { name: checkedName(name), isParent: is_parent, transportUrl: transport_url, ...weights }
}

async function readNeighbours(file: string): Promise<readonly NeighbourCell[]> {
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw CellsConfigUnusable({ file, reason: (error as Error).message }, { cause: error })
  }
  if (!isRecord(parsed)) throw CellsConfigUnusable({ file, reason: 'it is no JSON object' })
  return Object.entries(parsed).map(([key, value]) => neighbourOf(file, key, value))
}

/** Read anew when the file has changed. */
export function fileNeighbours(file: string): NeighbourSource {
  let read: { readonly mark: string; readonly neighbours: readonly NeighbourCell[] } | undefined
  return {
    async list() {
      const mark = await stat(file).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
        () => 'none',
      )
      if (read?.mark !== mark) read = { mark, neighbours: await readNeighbours(file) }
      return read.neighbours
    },
  }
}
