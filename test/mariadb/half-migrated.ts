/** Begins a migration of the database in its argument, and stays in its middle until it is killed. */
import { migrate, openDatabase } from '#store/engine'
import { halfWay } from './schema.ts'

const [url = ''] = process.argv.slice(2)
await migrate(openDatabase(url), 'test', [
  halfWay(async () => {
    process.stdout.write('half\n')
    await new Promise(() => setInterval(() => undefined, 1000))
  }),
])
