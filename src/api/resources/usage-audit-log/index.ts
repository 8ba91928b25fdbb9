import { int, keyed, list, obj, oneOf, operation, query, reply, resource, since, str } from '#api/kit'
import { declareFault } from '#base'
import { completedPeriod } from '#model'
import { gathered } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { parsePythonTime, pythonTime } from './python-time.ts'

const BadTimestamp = declareFault(
  'InvalidTimestamp',
  'refused',
  (p: { text: string }) => `Invalid timestamp for date ${p.text}`,
)

const run = obj({ state: oneOf('RUNNING', 'DONE'), instances: int, errors: int, message: str })
const fields = {
  period_beginning: str,
  period_ending: str,
  num_hosts: int,
  num_hosts_done: int,
  num_hosts_running: int,
  num_hosts_not_run: int,
  hosts_not_run: list(str),
  total_instances: int,
  total_errors: int,
  overall_status: str,
  log: keyed({ '^.+$': run }),
}

/** The audits of the newest period that was over at a time, of all hosts that have been heard of. */
async function auditBefore(deps: ApiDeps, beforeMs: number) {
  const period = completedPeriod(deps.settings.usageAuditPeriod, beforeMs)
  const runs = (await gathered(deps, ({ store }) => store.taskLog.runs(period))).flat()
  // Disabled services count: there may be servers on them.
  const known = (await gathered(deps, ({ store }) => store.services.list())).flat()
  const services = known.filter(({ topic }) => topic === 'compute')
  const hosts = new Set(services.map(({ host }) => host))
  const done = runs.filter(({ state }) => state === 'DONE').length
  const missing = [...hosts.difference(new Set(runs.map(({ host }) => host)))].sort()
  const errors = runs.reduce((sum, { errorCount }) => sum + errorCount, 0)
  return {
    period_beginning: pythonTime(period.beginMs),
    period_ending: pythonTime(period.endMs),
    num_hosts: hosts.size,
    num_hosts_done: done,
    num_hosts_running: runs.length - done,
    num_hosts_not_run: missing.length,
    hosts_not_run: missing,
    total_instances: runs.reduce((sum, { itemCount }) => sum + itemCount, 0),
    total_errors: errors,
    overall_status: `${done === hosts.size ? 'ALL' : `${done} of ${hosts.size}`} hosts done. ${errors} errors.`,
    log: Object.fromEntries(
      runs.map(({ host, state, itemCount, errorCount, message }) => [
        host,
        { state, instances: itemCount, errors: errorCount, message },
      ]),
    ),
  }
}

const op = operation<ApiDeps>()
const noQuery = query({}, { strict: since('2.102') })
const rule = 'os_compute_api:os-instance-usage-audit-log'

/** What the usage audit of the hosts has counted; nothing while `instance_usage_audit` is off. */
export const usageAuditLog = resource('/os-instance_usage_audit_log', {
  'GET /': op({
    policy: `${rule}:list`,
    query: noQuery,
    reply: reply('instance_usage_audit_logs', fields),
    handle({ allow }, deps) {
      allow({})
      return auditBefore(deps, deps.clock.now())
    },
  }),

  'GET /{before}': op({
    policy: `${rule}:show`,
    query: noQuery,
    reply: reply('instance_usage_audit_log', fields),
    faults: { InvalidTimestamp: 400 },
    handle({ path, allow }, deps) {
      allow({})
      const beforeMs = parsePythonTime(path.before)
      if (beforeMs === undefined) throw BadTimestamp({ text: path.before })
      return auditBefore(deps, beforeMs)
    },
  }),
})
