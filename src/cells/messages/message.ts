import { declareFault, newUuid } from '#base'
import type { CellMessage } from '#bus'
import { CellMessageMalformed } from '../faults.ts'
import { boolean, check, integer, nullable, object, type Schema, text } from './schema.ts'

/** Of this release; the major is the one of Nova's last cells. */
export const messageVersion = '1.0'

const majorOf = (version: string): string => version.split('.')[0] ?? ''

export const MessageVersionUnknown = declareFault(
  'RPCVersionCapTooLow',
  'final',
  (p: { option: string; version: string }) =>
    `[upgrade_levels] ${p.option}: version ${p.version} cannot be spoken; this release speaks ${messageVersion}.`,
)

/** `[upgrade_levels]`: releases and `auto` mean what all of them spoke; a number has to be of this major. */
export function checkVersionPin(option: string, pin: string | null): void {
  if (pin === null || !/^\d+(\.\d+)?$/.test(pin)) return
  if (majorOf(pin) !== majorOf(messageVersion)) throw MessageVersionUnknown({ option, version: pin })
}

const shape: Schema = object(
  {
    version: { type: 'string', pattern: '^\\d+\\.\\d+$' },
    message_type: { enum: ['targeted', 'broadcast', 'response'] },
    method_name: text,
    method_kwargs: { type: 'object' },
    ctxt: object({ request_id: nullable(text) }),
    direction: { enum: ['up', 'down'] },
    need_response: boolean,
    uuid: { type: 'string', minLength: 1 },
    routing_path: text,
    hop_count: { type: 'integer', minimum: 0 },
    max_hop_count: integer,
    timeout_ms: { type: 'number', minimum: 0 },
  },
  { target_cell: text, run_locally: boolean, reply_to: text },
)

/** Throws `CellMessageMalformed`: also for what another major of the messages says. */
export function checkMessage(message: CellMessage): void {
  check('A message', shape, message)
  if (majorOf(message.version) !== majorOf(messageVersion)) {
    const reason = `it is of version ${message.version}, and this cell speaks ${messageVersion}`
    throw CellMessageMalformed({ what: 'A message', reason })
  }
  if (message.message_type !== 'broadcast') check('A targeted message', object({ target_cell: text }), message)
}

export type Direction = CellMessage['direction']
export const opposite = (direction: Direction): Direction => (direction === 'up' ? 'down' : 'up')

/** What a cell sends that is not the answer to anything. */
export function newMessage(
  given: Pick<CellMessage, 'message_type' | 'method_name' | 'method_kwargs' | 'direction' | 'need_response'> &
    Partial<CellMessage> & { readonly max_hop_count: number; readonly timeout_ms: number },
): CellMessage {
  return {
    version: messageVersion,
    ctxt: { request_id: null },
    uuid: newUuid(),
    routing_path: '',
    hop_count: 0,
    ...given,
  }
}
