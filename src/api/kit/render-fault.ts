import { type FaultAnswer, faultNames, middlewareUnauthorized, reasonOf } from '#http'

const names: Readonly<Record<number, string>> = { ...faultNames, 429: 'overLimit', 501: 'notImplemented' }

/** `{"itemNotFound": {"code": 404, "message": …}}`. */
export const novaFault = (status: number, message: string): FaultAnswer => ({
  status,
  body: { [names[status] ?? 'computeFault']: { code: status, message } },
  contentType: 'application/json; charset=UTF-8',
})

export const unexpected = (className: string): FaultAnswer =>
  novaFault(
    500,
    'Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.' +
      `\n<class '${className}'>`,
  )

/** What Keystone's middleware in front of Nova answers. */
export const unauthorized = (message: string, authUri: string): FaultAnswer => ({
  ...middlewareUnauthorized(message, authUri),
  contentType: 'application/json; charset=UTF-8',
})

/** Errors from in front of the API (unknown route, body too large) have WebOb's form, in the client's favourite type. */
export function bareFault(status: number, explanation: string, accept: string | undefined): FaultAnswer {
  const title = reasonOf(status) ?? 'Error'
  const html = `${explanation}<br /><br />\n\n\n`
  if (prefers(accept, 'text/html')) {
    const line = `${status} ${title}`
    const page = `<html>\n <head>\n  <title>${line}</title>\n </head>\n <body>\n  <h1>${line}</h1>\n  ${html}\n </body>\n</html>`
    return { status, body: page, contentType: 'text/html; charset=UTF-8' }
  }
  if (prefers(accept, 'application/json')) {
    return { status, body: { message: html, code: `${status} ${title}`, title }, contentType: 'application/json' }
  }
  return { status, body: `${status} ${title}\n\n${explanation}\n\n   `, contentType: 'text/plain; charset=UTF-8' }
}

/** Whether the client takes the type; html is asked first, so `any type` means html. */
function prefers(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept === '') return false
  const [group] = type.split('/')
  return accept.split(',').some(part => {
    const range = part.split(';')[0]?.trim()
    return range === type || range === `${group}/*` || range === '*/*'
  })
}
