// `npm run test:mariadb`: every test that chooses its database, on MariaDB.
import { exitWith } from './setup/fault.mjs'
import { createProgress } from './setup/progress.mjs'
import { setUp } from './setup/setup.mjs'
import { chooseSuites, findSuites, mariadbSuites } from './setup/suites.mjs'
import { runSuites } from './setup/test-run.mjs'

await exitWith(async () => {
  const names = process.argv.slice(2)
  const suites = [...chooseSuites(findSuites(), ['mariadb']), ...mariadbSuites()]
  if (names.includes('--help') || names.includes('-h')) {
    process.stdout.write(
      `Usage: npm run test:mariadb -- [suite...]\n\n${suites.map(suite => `  ${suite.name}\n`).join('')}`,
    )
    return 0
  }
  await setUp({ groups: ['service', 'test'], progress: createProgress() })
  return runSuites(names.length === 0 ? suites : suites.filter(({ name }) => names.includes(name.split(' ')[0])))
})
