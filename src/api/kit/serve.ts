import type { FastifyReply } from 'fastify'
import { Fault } from '#base'
import { TokenInvalid } from '#cloud'
import type { FaultAnswer } from '#http'
import type { Exchange } from './exchange.ts'
import { pipeline } from './pipeline.ts'
import { isGeneral, NoSuchRoute, PolicyRefused } from './refusals.ts'
import { bareFault, novaFault, unauthorized, unexpected } from './render-fault.ts'

export function send(out: FastifyReply, answer: FaultAnswer): void {
  out.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers ?? {})) out.header(name, value)
  out.header('content-type', answer.contentType ?? 'application/json')
  out.send(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
}

/** Runs the pipeline; whatever is thrown becomes an answer. */
export async function serve(x: Exchange): Promise<void> {
  try {
    for (const stage of pipeline) {
      const pending = stage(x)
      if (pending !== undefined) await pending
    }
  } catch (error) {
    send(x.out, answerTo(x, error))
  }
}

function answerTo(x: Exchange, error: unknown): FaultAnswer {
  const ids = { request_id: x.http.id, method: x.http.method, path: x.http.url }
  if (!(error instanceof Fault)) {
    x.parts.log.error({ ...ids, err: error }, 'unexpected exception in an API operation')
    return unexpected(error instanceof Error ? error.name : typeof error)
  }
  if (error.code === NoSuchRoute.code) return bareFault(404, error.message, x.header('accept'))
  if (error.code === TokenInvalid.code) return unauthorized(error.message, x.parts.options.authUri)
  const status = statusOf(x, error)
  if (status === undefined) {
    x.parts.log.error({ ...ids, fault: error.code, err: error }, 'an operation threw a fault it does not list')
    if (x.endpoint !== undefined) x.parts.hooks.onUnlistedFault?.(error, x.endpoint.endpoint)
    return unexpected(error.code)
  }
  if (status >= 500) x.parts.log.error({ ...ids, fault: error.code, err: error }, 'request failed')
  else x.parts.log.debug({ ...ids, fault: error.code, status, detail: error.detail }, 'request refused')
  const answer = novaFault(status, error.message)
  return error.code === PolicyRefused.code
    ? { ...answer, headers: { 'x-nova-explain': headerText(error.params['why']) } }
    : answer
}

/** Only printable ASCII may stand in a header. */
const headerText = (why: unknown): string => String(why).replace(/[^ -~]/g, '?')

const statusOf = (x: Exchange, fault: Fault): number | undefined =>
  x.endpoint?.endpoint.operation.faults[fault.code]?.at(x.version) ?? (isGeneral(fault) ? fault.status : undefined)
