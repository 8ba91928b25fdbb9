#!/usr/bin/env node
/** The Compute API. */
import { openComputeApi, runService } from '#allinone/compose'

process.exit(await runService('nova-api-os-compute', process.argv.slice(2), openComputeApi))
