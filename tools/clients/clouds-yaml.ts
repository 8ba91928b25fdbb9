import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SuiteCloud } from './suite.ts'

export interface Login {
  readonly user: string
  readonly password: string
  readonly project: string
}

export const adminOf = (cloud: SuiteCloud): Login => ({
  user: 'admin',
  password: cloud.adminPassword,
  project: 'admin',
})

/** A clouds.yaml with a login per name, with which the suites of DevStack find their clouds. */
export function writeClouds(cloud: SuiteCloud, logins: Readonly<Record<string, Login>>): string {
  const entries = Object.entries(logins).map(([name, { user, password, project }]) => [
    name,
    {
      region_name: 'RegionOne',
      identity_api_version: '3',
      auth: {
        auth_url: cloud.ready.urls.identity,
        username: user,
        password,
        project_name: project,
        user_domain_id: 'default',
        project_domain_id: 'default',
      },
    },
  ])
  const file = join(cloud.folder, 'clouds.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ clouds: Object.fromEntries(entries) }))
  return file
}
