import { integer, required, text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { decisionText } from './decision-text.ts'

const isServerId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

/** `nova-manage scheduler explain`: the records of a request or a server; exit 2 when there is none. */
export const explain = command({
  name: 'explain',
  help: 'tell what was asked, which hosts fell out where and why, and what the others weighed',
  arguments: {
    REQUEST: required(text('REQUEST', 'request id (req-…), or id of a server')),
    '--limit': integer('N', 'the newest N decisions', 10, { low: 1, high: 1000 }),
  },
  async run({ REQUEST: request, '--limit': limit }, { world }) {
    const store = await world.store()
    const wanted = isServerId(request) ? { instanceId: request.toLowerCase() } : { requestId: request }
    const value = await store.decisions.find(wanted, limit)
    if (value.length > 0) return { text: value.map(decisionText).join('\n\n'), value, exitCode: 0 }
    const text = `No decision is on record for ${request}. Records are kept for [scheduler]decision_record_max_age seconds.`
    return { text, value, exitCode: 2 }
  },
})
