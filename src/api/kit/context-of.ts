import type { Context, Target } from './context.ts'
import type { Exchange } from './exchange.ts'
import { nextLinks, pageOf } from './paging.ts'
import type { Verdict } from './policy-port.ts'
import { PolicyRefused } from './refusals.ts'
import { legacy } from './version.ts'

const own = (x: Exchange): Target => ({ project_id: x.caller.projectId, user_id: x.caller.userId })

export const permit = (x: Exchange, rule: string, target?: Target): Verdict =>
  x.parts.policy.allow(rule, x.caller, target ?? x.target ?? own(x))

function insist(x: Exchange, rule: string, target?: Target): void {
  const verdict = permit(x, rule, target)
  if (!verdict.ok) throw PolicyRefused({ rule: verdict.rule, why: verdict.why }, { detail: verdict.why })
}

function allow(x: Exchange, target?: Target, rule?: string): void {
  const policy = rule ?? x.found.endpoint.operation.policy
  x.isAllowed = true
  x.target = target ?? own(x)
  if (policy !== null) insist(x, policy, x.target)
  for (const rule of x.guarded) insist(x, rule, x.target)
}

function pathOf(x: Exchange): Record<string, string> {
  const path: Record<string, string> = {}
  x.site?.names.forEach((name, i) => {
    path[name] = x.values[i] ?? ''
  })
  return path
}

/** The handler's view of an exchange. */
export function contextOf(x: Exchange): Context<unknown, unknown, unknown, unknown, string> {
  const page = () => pageOf(x.rawQuery, x.parts.options.maxLimit)
  return {
    path: pathOf(x),
    query: x.query,
    body: x.body,
    envelope: x.envelope,
    caller: x.caller,
    service: x.service,
    allow: (target, rule) => allow(x, target, rule),
    insist: (rule, target) => insist(x, rule, target),
    may: (rule, target) => permit(x, rule, target).ok,
    behaves: x.cut.behaves,
    get links() {
      return x.links
    },
    page,
    nextLinks: (collection, items, markerOf) => nextLinks(x.links, x.rawQuery, page(), collection, items, markerOf),
    rawQuery: x.rawQuery,
    header: (name, value) => void x.out.header(name, value),
    answer: status => {
      x.status = status
    },
    requestId: x.http.id,
    globalRequestId: x.globalRequestId,
    remoteAddress: x.http.ip,
    isLegacy: x.version === legacy,
    log: x.parts.log,
  }
}
