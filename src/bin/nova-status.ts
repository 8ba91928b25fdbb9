#!/usr/bin/env node
/** Tells whether the cloud is ready for this release. */
import { runStatus } from '#allinone/compose'

process.exitCode = await runStatus(process.argv.slice(2))
