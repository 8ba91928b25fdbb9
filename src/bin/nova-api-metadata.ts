#!/usr/bin/env node
/** The metadata service that guests ask. */
import { openMetadata, runService } from '#allinone/compose'

process.exit(await runService('nova-api-metadata', process.argv.slice(2), openMetadata))
