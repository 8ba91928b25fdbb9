// `npm run test:tempest`: Tempest's tests of the Compute API, unmodified, against this cloud.
import { runSuiteCommand } from './clients/hand-over.mjs'

await runSuiteCommand('test:tempest')
