import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loopback, type Ports } from './ports.ts'

export interface CredentialFiles {
  readonly openrc: string
  readonly cloudsYaml: string
}

/** `openrc` and `clouds.yaml` of the administrator: readable by the owner alone, written anew at each start. */
export function writeCredentials(stateDir: string, ports: Ports, password: string): CredentialFiles {
  const authUrl = `http://${loopback}:${ports.identity}/v3`
  const openrc = join(stateDir, 'openrc')
  const cloudsYaml = join(stateDir, 'clouds.yaml')
  const variables = {
    OS_AUTH_URL: authUrl,
    OS_USERNAME: 'admin',
    OS_PASSWORD: password,
    OS_PROJECT_NAME: 'admin',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: 'RegionOne',
    OS_IDENTITY_API_VERSION: '3',
  }
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`)
  writeFileSync(openrc, lines.join(''), { mode: 0o600 })
  const yaml = `clouds:
  nova:
    region_name: RegionOne
    identity_api_version: 3
    auth:
      auth_url: ${authUrl}
      username: admin
      password: ${JSON.stringify(password)}
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
`
  writeFileSync(cloudsYaml, yaml, { mode: 0o600 })
  return { openrc, cloudsYaml }
}
