/** Stands before a service, hands everything on to it, and remembers what was answered. */
import { once } from 'node:events'
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface Exchange {
  readonly method: string
  readonly path: string
  readonly status: number
  /** What was answered, as text. */
  readonly answer: string
}

export interface Recorder {
  readonly heard: readonly Exchange[]
  readonly port: number
  close(): Promise<void>
}

/** Runs before a request is handed on, which waits for it. */
export type Watch = (method: string, path: string) => Promise<void>

/** Both ports are of loopback; 0: any free one. */
export async function record(listen: number, servicePort: number, watch?: Watch): Promise<Recorder> {
  const heard: Exchange[] = []
  const server = createServer(async (request, reply) => {
    try {
      await watch?.(request.method ?? '', request.url ?? '')
      await handOn(request, reply, servicePort, heard)
    } catch (error) {
      reply.destroy(error as Error)
    }
  })
  server.listen(listen, '127.0.0.1')
  await once(server, 'listening')
  return {
    heard,
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function handOn(request: IncomingMessage, reply: ServerResponse, port: number, heard: Exchange[]): Promise<void> {
  const { method = '', url: path = '', headers } = request
  // By whom it was asked stands in the links of the answers.
  const onward = ask({ host: '127.0.0.1', port, method, path, headers })
  onward.end(await buffer(request))
  const [answer] = (await once(onward, 'response')) as [IncomingMessage]
  const body = await buffer(answer)
  const status = answer.statusCode ?? 0
  heard.push({ method, path, status, answer: body.toString() })
  reply.writeHead(status, answer.headers).end(body)
}
