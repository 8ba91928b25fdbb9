import { readFile } from 'node:fs/promises'

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly connectMs: number
  readonly readMs: number
  /** CA certificates for HTTPS instead of the system's. */
  readonly caFile?: string
}

const largestAnswer = 1024 * 1024

/** Posts JSON and gives the body of a 2xx answer; throws for anything else, a timeout or an answer beyond 1 MiB. */
export async function postJson(url: string, body: string, options: PostOptions): Promise<string> {
  const isTls = url.startsWith('https:')
  const ca = isTls && options.caFile !== undefined ? await readFile(options.caFile) : undefined
  // Loaded by whoever posts: at start they cost a tenth of a second.
  const { request } = isTls ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'content-length': Buffer.byteLength(body),
          ...options.headers,
        },
        ...(ca === undefined ? {} : { ca }),
      },
      response => {
        const chunks: Buffer[] = []
        let sizeBytes = 0
        response.on('data', (chunk: Buffer) => {
          sizeBytes += chunk.length
          if (sizeBytes > largestAnswer) call.destroy(new Error('the answer is larger than 1 MiB'))
          else chunks.push(chunk)
        })
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode = 0 } = response
          if (statusCode >= 200 && statusCode < 300) resolve(Buffer.concat(chunks).toString('utf8'))
          else reject(new Error(`HTTP ${statusCode}`))
        })
      },
    )
    const expire = (what: string) => () => call.destroy(new Error(`${what} timed out`))
    const connecting = setTimeout(expire('connection'), options.connectMs)
    call.on('socket', socket => {
      socket.once(isTls ? 'secureConnect' : 'connect', () => {
        clearTimeout(connecting)
        call.setTimeout(options.readMs, expire('answer'))
      })
    })
    call.on('close', () => clearTimeout(connecting))
    call.on('error', reject)
    call.end(body)
  })
}
