import type { FastifyRequest } from 'fastify'
import { Fault } from '#base'
import type { FaultAnswer } from '#http'

/** Codes in error bodies since 1.23. */
export const errorCode = {
  undefined: 'placement.undefined_code',
  inventoryInUse: 'placement.inventory.inuse',
  concurrentUpdate: 'placement.concurrent_update',
  duplicateName: 'placement.duplicate_name',
  providerInUse: 'placement.resource_provider.inuse',
  cannotDeleteParent: 'placement.resource_provider.cannot_delete_parent',
  providerNotFound: 'placement.resource_provider.not_found',
  duplicateKey: 'placement.query.duplicate_key',
  badValue: 'placement.query.bad_value',
  missingValue: 'placement.query.missing_value',
} as const

export type ErrorCode = (typeof errorCode)[keyof typeof errorCode]

/** Titles, and the sentence that webob puts before every detail. */
const words: Readonly<Record<number, readonly [title: string, explanation: string]>> = {
  400: [
    'Bad Request',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  ],
  401: ['Unauthorized', 'This server could not verify that you are authorized to access the document you requested.'],
  403: ['Forbidden', 'Access was denied to this resource.'],
  404: ['Not Found', 'The resource could not be found.'],
  405: ['Method Not Allowed', 'The method is not allowed for this resource.'],
  406: ['Not Acceptable', 'The resource could not be generated that was acceptable to your browser.'],
  409: ['Conflict', 'There was a conflict when trying to complete your request.'],
  413: ['Request Entity Too Large', 'The body of your request was too large for this server.'],
  415: ['Unsupported Media Type', 'The request media type is not supported by this server.'],
  500: ['Internal Server Error', 'The server has either erred or is incapable of performing the requested operation.'],
}

const apiFault =
  (status: number, kind: 'refused' | 'conflict' | 'missing') =>
  (detail: string, code?: ErrorCode, headers: Readonly<Record<string, string>> = {}): Fault =>
    new Fault({ code: `Placement${status}`, kind, status }, detail, { errorCode: code, headers })

export const badRequest = apiFault(400, 'refused')
export const forbidden = apiFault(403, 'refused')
export const notFound = apiFault(404, 'missing')
export const notAllowed = apiFault(405, 'refused')
export const notAcceptable = apiFault(406, 'refused')
export const conflict = apiFault(409, 'conflict')
export const unsupportedMedia = apiFault(415, 'refused')

/** The version each request asked for; absent while it is not known, and then errors say which there are. */
const versions = new WeakMap<FastifyRequest, number>()

export const noteVersion = (request: FastifyRequest, minor: number): void => {
  versions.set(request, minor)
}

/** What a fault of the engine says when no handler worded it. */
function detailOf(fault: Fault): string {
  if (fault.code === 'ResourceProviderNotFound')
    return `No resource provider with uuid ${String(fault.params['id'])} found`
  // What went wrong inside is for the log.
  return fault.status >= 500 ? 'Unexpected error' : fault.message
}

export function renderFault(fault: Fault, request: FastifyRequest): FaultAnswer {
  const { status } = fault
  const minor = versions.get(request)
  const [title, explanation] = words[status] ?? ['Error', 'The request failed.']
  const error = {
    status,
    title,
    detail: `${explanation}\n\n ${detailOf(fault)}  `,
    ...(minor !== undefined && minor >= 23 ? { code: fault.params['errorCode'] ?? errorCode.undefined } : {}),
    request_id: request.id,
    ...(status === 406 && minor === undefined ? { max_version: '1.39', min_version: '1.0' } : {}),
  }
  const headers = fault.params['headers'] as Readonly<Record<string, string>> | undefined
  return {
    status,
    body: { errors: [error] },
    headers: { ...headers, ...(status === 401 ? { 'www-authenticate': 'Keystone' } : {}) },
  }
}

/** What a fault of the engine becomes in one operation. */
export type Rewording = Readonly<Record<string, (fault: Fault) => Fault>>

/** Runs `work`; its faults come out as the operation words them. */
export async function reworded<T>(table: Rewording, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const word = error instanceof Fault ? table[error.code] : undefined
    throw word === undefined ? error : word(error as Fault)
  }
}
