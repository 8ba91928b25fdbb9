import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { waitFor } from '#base'
import { type BuiltIn, servicePassword } from './neighbours.ts'

/*
 * Debian's Barbican (python3-barbican) with a database and a vault of its own, which asks our Keystone who comes. As its
 * own programs start it, but for the settings.
 */

const program = `
import sys
from wsgiref.simple_server import make_server, WSGIRequestHandler, WSGIServer
from socketserver import ThreadingMixIn
from paste.deploy import loadapp
from barbican.common import config
from barbican.model import repositories
config.parse_args(config.CONF, args=['--config-file', sys.argv[1]])
class Quiet(WSGIRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *args): pass
app = loadapp('config:' + sys.argv[2], name='main')
server = make_server('127.0.0.1', int(sys.argv[3]), app, handler_class=Quiet)
server.serve_forever()
`

const paste = `
[composite:main]
use = egg:Paste#urlmap
/v1: api
[pipeline:api]
pipeline = authtoken context microversion apiapp
[app:apiapp]
paste.app_factory = barbican.api.app:create_main_app
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[filter:context]
paste.filter_factory = barbican.api.middleware.context:ContextMiddleware.factory
[filter:microversion]
paste.filter_factory = barbican.api.middleware.microversion:MicroversionMiddleware.factory
`

const settings = (folder: string, port: number, identityUrl: string) => `
[DEFAULT]
sql_connection = sqlite:///${join(folder, 'barbican.sqlite')}
db_auto_create = True
host_href = http://127.0.0.1:${port}
use_stderr = True
[oslo_policy]
enforce_new_defaults = True
enforce_scope = True
[secretstore]
enabled_secretstore_plugins = store_crypto
[crypto]
enabled_crypto_plugins = simple_crypto
[simple_crypto_plugin]
kek = ${randomBytes(32).toString('base64')}
[keystone_authtoken]
auth_url = ${identityUrl}/v3
www_authenticate_uri = ${identityUrl}/v3
auth_type = password
username = nova
password = ${servicePassword}
project_name = service
user_domain_name = Default
project_domain_name = Default
`

const freePort = (): Promise<number> =>
  new Promise(resolve => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

export async function startBarbican(builtIn: BuiltIn): Promise<{ readonly url: string; close(): Promise<void> }> {
  const folder = join(builtIn.folder, 'barbican')
  mkdirSync(folder)
  const port = await freePort()
  writeFileSync(join(folder, 'barbican.conf'), settings(folder, port, builtIn.urls.identity))
  writeFileSync(join(folder, 'paste.ini'), paste)
  const log = openSync(join(folder, 'log'), 'w')
  const args = ['-c', program, join(folder, 'barbican.conf'), join(folder, 'paste.ini'), String(port)]
  const child = spawn('/usr/bin/python3', args, { stdio: ['ignore', log, log], cwd: folder })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const isUp = async () => {
    if (child.exitCode !== null)
      throw new Error(`Barbican ended: ${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`)
    const answer = await fetch(`${url}/v1/secrets`).catch(() => undefined)
    return answer?.status === 401 ? true : undefined
  }
  await waitFor('Barbican', isUp, { deadlineMs: 240_000 })
  return {
    url,
    async close() {
      child.kill()
      await ended
    },
  }
}
