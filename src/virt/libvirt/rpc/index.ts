/**
 * libvirt's RPC protocol over the daemon's unix socket, as much of it as the driver needs. It owns the sockets, keeps them
 * connected, and promises that no byte from the daemon can hang or crash it. Called by the libvirt driver only.
 */
export { type ClientEvent, type ClientOptions, type Lane, LibvirtClient } from './client.ts'
export { Connection } from './connection.ts'
export { asFault, errorCode, isLibvirtError, LibvirtError } from './errors.ts'
export { type DomainStats, type Procedure, procedures } from './procedures.ts'
export { blockJobType, blockProcedures, type SecretRef, secretProcedures } from './storage-procedures.ts'
export { type DomainRef, domainById, type TypedParam, type TypedParams } from './values.ts'
