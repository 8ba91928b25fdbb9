import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { MiB } from '#base'
import { BadRange, BadType, Forbidden, Invalid } from '../faults.ts'
import { isAdmin, requireMember, requireOwner, seen } from '../rights.ts'
import { type Exchange, type Parts, route } from './exchange.ts'

interface Range {
  readonly start: number
  /** Last byte, included. */
  readonly end: number
}

/** One range of `Range: bytes=…`; undefined for the whole file, 416 when it lies outside. */
function rangeOf(header: string | undefined, sizeBytes: number): Range | undefined {
  if (header === undefined) return undefined
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim())
  if (match === null || (match[1] === '' && match[2] === '')) throw BadRange({})
  const last = sizeBytes - 1
  if (match[1] === '') {
    const length = Number(match[2])
    if (length === 0) throw BadRange({})
    return { start: Math.max(0, sizeBytes - length), end: last }
  }
  const start = Number(match[1])
  const end = match[2] === '' ? last : Math.min(Number(match[2]), last)
  if (start > last || end < start) throw BadRange({})
  return { start, end }
}

function download(parts: Parts, x: Exchange) {
  const row = seen(parts.state, x.caller, x.id)
  if (row.status === 'deactivated' && !isAdmin(x.caller)) {
    throw Forbidden({ reason: 'The requested image has been deactivated. Image data download is forbidden.' })
  }
  requireMember(x.caller, 'download_image')
  if (row.file_name === null || row.size_bytes === null) return x.reply.code(204).send()
  const range = rangeOf(x.request.headers.range, row.size_bytes)
  x.reply.type('application/octet-stream').header('accept-ranges', 'bytes')
  if (row.checksum !== null) x.reply.header('content-md5', row.checksum)
  if (range !== undefined) {
    x.reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${row.size_bytes}`)
  }
  x.reply.header('content-length', range === undefined ? row.size_bytes : range.end - range.start + 1)
  return x.reply.send(createReadStream(parts.bits.pathOf(row.file_name), { highWaterMark: MiB, ...range }))
}

async function upload(parts: Parts, x: Exchange) {
  const type = (x.request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/octet-stream') throw BadType({ reason: `Invalid content type ${type}` })
  requireOwner(x.caller, seen(parts.state, x.caller, x.id), 'upload_image')
  const body = x.request.body as Readable | undefined
  if (body === undefined) throw Invalid({ reason: 'Body expected in request.' })
  await parts.records.fill(x.id, row => parts.bits.write(x.id, row.disk_format, body))
  return x.reply.code(204).send()
}

/** The bits: bodies here are streams, unlike anywhere else on this face. */
export function fileRoutes(parts: Parts): void {
  route(parts, 'GET', '/v2/images/:id/file', x => download(parts, x))
  parts.face.register(async (scope: FastifyInstance) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    route(parts, 'PUT', '/v2/images/:id/file', x => upload(parts, x), scope)
  })
}
