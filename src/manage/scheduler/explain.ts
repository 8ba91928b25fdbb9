import type { ManageCommand } from '../manage-command.ts'
import { decisionText } from './decision-text.ts'

const isServerId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

/** `nova-manage scheduler explain`: the records of a request or a server; exit 2 when there is none. */
export const explain =
  (request: string, options: { readonly limit: number; readonly json: boolean }): ManageCommand =>
  async world => {
    const store = await world.store()
    const wanted = isServerId(request) ? { instanceId: request.toLowerCase() } : { requestId: request }
    const records = await store.decisions.find(wanted, options.limit)
    const exitCode = records.length === 0 ? 2 : 0
    if (options.json) return { text: JSON.stringify(records, null, 2), exitCode }
    if (records.length > 0) return { text: records.map(decisionText).join('\n\n'), exitCode }
    const text = `No decision is on record for ${request}. Records are kept for [scheduler]decision_record_max_age seconds.`
    return { text, exitCode }
  }
