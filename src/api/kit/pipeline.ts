import { isUtf8 } from 'node:buffer'
import { parseForeignJson } from '#base'
import { authenticate } from '#http'
import { announce } from './announce.ts'
import { contextOf, permit } from './context-of.ts'
import type { Exchange } from './exchange.ts'
import { explain } from './explain.ts'
import {
  ForeignProject,
  MalformedBody,
  NoSuchAction,
  NoSuchRoute,
  NotAtThisVersion,
  UnsupportedContentType,
} from './refusals.ts'
import { legacy, negotiate, requestedVersion, VersionOutOfRange, versionText } from './version.ts'

/**
 * The life of a request, in order. The order decides which of several errors a client sees, so it is Nova's:
 * a stage that refuses throws a fault, which `serve` renders with the headers known so far.
 */
export type Stage = (x: Exchange) => void | Promise<void>

export const pipeline: readonly Stage[] = [
  identify, // 401
  findRoute, // 404, not as JSON
  negotiateVersion, // 400, 406
  checkContentType, // 415
  findOperation, // 404; actions: 400 for no JSON, not exactly one key, no such action
  parseBody, // 400
  checkProject, // 400 when the project in the URL is not the caller's
  checkVersion, // 404 when this version does not have the operation
  readQuery, // 400
  readBody, // 400
  handle, // the operation itself, policy included
  render,
]

async function identify(x: Exchange): Promise<void> {
  const { caller, service } = await authenticate(x.parts.identity, x.http)
  x.callerOrNone = caller
  x.service = service
}

const projectIdForm = /^[0-9a-f-]+$/

/** The project id is optional; a first word of its form is one if the rest of the path is a route. */
function lookUp(x: Exchange, words: readonly string[]): boolean {
  const { router } = x.parts
  const [first = '', ...rest] = words
  const inProject = projectIdForm.test(first) ? router.match(x.http.method, rest) : undefined
  const match = inProject ?? router.match(x.http.method, words)
  if (match === undefined) return false
  if (inProject !== undefined) x.projectInUrl = first
  x.site = match.site
  x.values = match.values
  return true
}

function findRoute(x: Exchange): void {
  if (lookUp(x, x.words)) return
  const last = x.words.at(-1)
  if (last?.endsWith('.json') && lookUp(x, [...x.words.slice(0, -1), last.slice(0, -'.json'.length)])) return
  throw NoSuchRoute({})
}

function negotiateVersion(x: Exchange): void {
  if (x.mount === '/v2') {
    x.version = legacy
    return
  }
  try {
    x.version = negotiate(requestedVersion(x.header('openstack-api-version'), x.header('x-openstack-nova-api-version')))
    announce(x.out, versionText(x.version))
  } catch (error) {
    if (VersionOutOfRange.is(error)) announce(x.out, String(error.params['version']))
    throw error
  }
}

const contentTypes = new Set(['', 'text/plain', 'application/json', 'application/vnd.openstack.compute+json'])

function checkContentType(x: Exchange): void {
  const type = x.header('content-type')
  if (type === undefined || type === 'application/json') return
  if (!contentTypes.has(type.split(';', 1)[0]?.trim().toLowerCase() ?? '')) throw UnsupportedContentType({})
}

function json(bytes: unknown): unknown {
  const raw = Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0)
  if (!isUtf8(raw)) throw MalformedBody({})
  try {
    return parseForeignJson(raw.toString('utf8'))
  } catch (error) {
    throw MalformedBody({}, { cause: error })
  }
}

/** The operation, or for an action the one that the only key of the body names. */
function findOperation(x: Exchange): void {
  const { site } = x
  if (site === undefined) throw NoSuchRoute({})
  if (site.plain !== undefined) {
    x.endpoint = site.plain
    return
  }
  const body = json(x.http.body)
  if (typeof body !== 'object' || body === null) throw NotAtThisVersion({})
  const keys = Object.keys(body)
  const [action] = keys
  if (keys.length !== 1 || action === undefined) throw MalformedBody({})
  if (Array.isArray(body)) throw NotAtThisVersion({})
  x.endpoint = site.actions.get(action)
  if (x.endpoint === undefined) throw NoSuchAction({ action })
  x.rawBody = body
}

function parseBody(x: Exchange): void {
  const { method, body } = x.http
  if (x.rawBody !== undefined || (method !== 'POST' && method !== 'PUT')) return
  x.rawBody = Buffer.isBuffer(body) && body.length > 0 ? json(body) : null
}

function checkProject(x: Exchange): void {
  const inUrl = x.projectInUrl
  const inToken = x.caller.projectId
  if (inUrl !== undefined && inUrl !== inToken) throw ForeignProject({ inUrl, inToken })
}

function checkVersion(x: Exchange): void {
  if (!x.cut.exists) throw NotAtThisVersion({})
}

function readQuery(x: Exchange): void {
  x.query = x.cut.readQuery(x.rawQuery)
}

function readBody(x: Exchange): void {
  if (x.rawBody === undefined) return
  const { body, envelope, guarded } = x.cut.readBody(x.rawBody)
  x.body = body
  x.envelope = envelope
  x.guarded = guarded
}

async function handle(x: Exchange): Promise<void> {
  const { endpoint } = x.found
  const { operation } = endpoint
  const context = contextOf(x)
  const path = context.path as Readonly<Record<string, string>>
  const work = () => x.parts.perform(endpoint, path, async deps => operation.handle(context as never, deps as never))
  const { around } = x.parts.hooks
  x.result = await (around === undefined || x.callerOrNone === undefined
    ? work()
    : around(x.callerOrNone, x.http.id, work))
  if (operation.policy !== null && !x.isAllowed)
    throw new Error(`the handler did not call allow() for ${operation.policy}`)
}

const nothing: ReadonlySet<string> = new Set()

// As bytes, because fastify would name a charset for text, which Nova does not.
const empty = Buffer.alloc(0)

function render(x: Exchange): void {
  const { cut, out } = x
  const key = x.found.endpoint.operation.reply?.key
  out.code(x.status ?? cut.status)
  out.header('content-type', 'application/json')
  if (cut.pick === undefined) {
    out.send(empty)
    return
  }
  const granted = cut.replyRules.length === 0 ? nothing : new Set(cut.replyRules.filter(rule => permit(x, rule).ok))
  const text = JSON.stringify(cut.pick(granted)(key === undefined ? x.result : { [key]: x.result }))
  checkReply(x, text)
  out.send(Buffer.from(text))
}

function checkReply(x: Exchange, text: string): void {
  const { onBadReply } = x.parts.hooks
  if (onBadReply === undefined || x.cut.replySchema === undefined) return
  const complaint = explain(x.cut.replySchema, JSON.parse(text))
  if (complaint !== undefined) onBadReply(complaint, x.found.endpoint, x.version)
}
