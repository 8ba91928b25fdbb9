import { createServer } from 'node:net'

/**
 * Run inside a network namespace: opens a listening socket there and hands it to the process that asked, which then has an
 * ear in that namespace without being in it. `ADDRESS PORT`; says why on stderr when it cannot.
 */
const [address, port] = process.argv.slice(2)
const server = createServer()
server.on('error', error => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
process.on('disconnect', () => process.exit(1))
server.listen({ host: address, port: Number(port) }, () => {
  process.send?.('open', server, {}, () => process.exit(0))
})
