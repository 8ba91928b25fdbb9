#!/usr/bin/env node
/** Tells what a user may do under the policy in force. */
import { runPolicy } from '#allinone/compose'

process.exitCode = await runPolicy(process.argv.slice(2), process.env)
