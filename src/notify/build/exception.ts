import { type Wire, wire } from '../payloads/index.ts'
import type { Failure } from './about.ts'

export const exceptionPayload = ({ fault, module, function: name }: Failure): Wire<'ExceptionPayload'> =>
  wire('ExceptionPayload', {
    exception: fault.code,
    exception_message: fault.message,
    function_name: name,
    module_name: module,
    traceback: fault.detail ?? fault.message,
  })
