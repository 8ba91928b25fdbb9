import type { CellMessage } from '#bus'
import { CellMaxHopCountReached, CellRoutingInconsistency } from '../faults.ts'
import { namesOf, pathOf, separator } from '../names.ts'

/** Where a message has to go next: pure, by nothing but the message. */

/** The message as it is in this cell: one name and one hop longer. */
export const arrived = (message: CellMessage, ownName: string): CellMessage => ({
  ...message,
  routing_path: message.routing_path === '' ? ownName : pathOf(message.routing_path, ownName),
  hop_count: message.hop_count + 1,
})

/** Undefined: it is for the cell where it is. `isLast`: there it ends. */
export function nextHop(message: CellMessage): { readonly name: string; readonly isLast: boolean } | undefined {
  const { target_cell: target = '', routing_path: path, hop_count, max_hop_count } = message
  if (target === path) return undefined
  if (!target.startsWith(`${path}${separator}`)) {
    throw CellRoutingInconsistency({ reason: `a message for ${target} came by way of ${path}` })
  }
  if (hop_count >= max_hop_count) throw CellMaxHopCountReached({ hop_count })
  const rest = namesOf(target.slice(path.length + separator.length))
  return { name: rest[0] ?? '', isLast: rest.length === 1 }
}

/** Whether a broadcast goes further. */
export const mayGoOn = ({ hop_count, max_hop_count }: CellMessage): boolean => hop_count < max_hop_count
