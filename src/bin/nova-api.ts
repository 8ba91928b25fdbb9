#!/usr/bin/env node
/** Every API that enabled_apis names: compute, metadata. */
import { openApi, runService } from '#allinone/compose'

process.exit(await runService('nova-api', process.argv.slice(2), openApi))
