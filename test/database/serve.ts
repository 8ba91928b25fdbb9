/** A MariaDB server below the folder of the first argument, for other processes; tells its socket, and ends with its input. */
import { once } from 'node:events'
import { startMariaServer } from './maria-server.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: serve.ts FOLDER')
const server = await startMariaServer(folder)
process.stdout.write(`${server.socket}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
await server.stop()
process.exit(0)
