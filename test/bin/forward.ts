/** `forward.ts PORT=SOCKET…`: whoever connects to a port of this namespace's loopback reaches that socket. For cable.ts. */
import { connect, createServer } from 'node:net'

for (const pair of process.argv.slice(2)) {
  const [port, path = ''] = pair.split('=')
  createServer(client => {
    const server = connect(path)
    client.on('error', () => server.destroy()).on('close', () => server.destroy())
    server.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.pipe(server).pipe(client)
  }).listen(Number(port), '127.0.0.1')
}
