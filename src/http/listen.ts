import type { AddressInfo } from 'node:net'
import { declareFault } from '#base'
import type { Face } from './face.ts'

export const PortInUse = declareFault(
  'PortInUse',
  'refused',
  (p: { service: string; host: string; port: number }) =>
    `${p.service} cannot listen on ${p.host}:${p.port}: another program uses that port. Stop it, or shift all ports with --offset N.`,
)

/** Listens and returns the real port (pass 0 for any). */
export async function listen(face: Face, at: { service: string; host: string; port: number }): Promise<number> {
  try {
    await face.listen({ host: at.host, port: at.port })
  } catch (error) {
    if ((error as { code?: string }).code === 'EADDRINUSE') throw PortInUse(at, { cause: error })
    throw error
  }
  return (face.server.address() as AddressInfo).port
}
