/**
 * Prints RabbitMQ definitions by which each host can speak only as itself, for `rabbitmqctl import_definitions FILE`:
 *
 *     node_modules/.bin/node deploy/rabbitmq/definitions.ts ACCOUNTS.json > definitions.json
 *
 * ACCOUNTS.json: { "prefix": "nova", "virtualHost": "/", "control": { "name": "nova", "password": "…" },
 *                  "hosts": [{ "host": "compute-1", "password": "…" }] }
 *
 * `host` is the host's `[DEFAULT] host`, `prefix` is `control_exchange`. A host's user is called `compute.HOST`; its nova.conf has
 * `transport_url = rabbit://compute.HOST:PASSWORD@broker:5672/` and no `[database]`.
 */
import { readFileSync } from 'node:fs'
import { brokerDefinitions } from '#bus'

const [file] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: definitions.ts ACCOUNTS.json\n')
  process.exit(2)
}
const accounts = JSON.parse(readFileSync(file, 'utf8')) as Parameters<typeof brokerDefinitions>[0]
process.stdout.write(`${JSON.stringify(brokerDefinitions(accounts), null, 2)}\n`)
