import type { FaultAnswer } from './face.ts'

/** What Nova, Cinder and Manila call an error of a status; each has some more of its own. */
export const faultNames: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  503: 'serviceUnavailable',
}

/** What keystonemiddleware answers in front of an API. */
export const middlewareUnauthorized = (message: string, identityUrl: string): FaultAnswer => ({
  status: 401,
  body: { error: { code: 401, title: 'Unauthorized', message } },
  headers: { 'www-authenticate': `Keystone uri="${identityUrl}"` },
})
