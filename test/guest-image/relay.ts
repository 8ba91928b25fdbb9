/** Started by QEMU for each connection of the guest to the metadata address: joins it to a port of loopback. */
import { createConnection } from 'node:net'

const socket = createConnection(Number(process.argv[2]), '127.0.0.1')
process.stdin.pipe(socket)
socket.pipe(process.stdout)
socket.on('close', () => process.exit())
