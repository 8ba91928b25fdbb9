import { type Described, minor, type VersionText } from '#api/kit'
import { routeOf, type Sample, samples } from '../reference.ts'
import { bodies } from './more-bodies.ts'

/** The request of the newest sample of the operation, else a made one. */
export function newestSample(operation: Described): Sample {
  const route = routeOf(operation).replace('/os-volumes_boot', '/servers')
  const newest = minor((operation.versions.at(-1)?.[1] ?? '2.1') as VersionText)
  const own = samples
    .filter(
      sample =>
        routeOf(sample) === route && sample.removed !== true && minor(sample.microversion as VersionText) <= newest,
    )
    .sort((a, b) => minor(b.microversion as VersionText) - minor(a.microversion as VersionText))
  const { method, path, action } = operation
  const made: Sample = {
    file: 'made',
    method,
    path,
    ...(action === undefined ? {} : { action }),
    microversion: '2.1',
    kind: 'request',
    document: null,
  }
  const [first = made] = own.filter(sample => sample.kind === 'request').concat(own)
  const body = bodies[route]
  if (body !== undefined) return { ...made, document: body }
  return { ...first, document: first.kind === 'request' ? first.document : null, status: 0 }
}
