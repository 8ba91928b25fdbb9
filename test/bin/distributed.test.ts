import { distributedContract } from './distributed.contract.ts'

distributedContract('unix sockets', async () => undefined)
