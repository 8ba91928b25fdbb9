/** A machine as Ironic shows it, as far as Nova ever passed it on; the properties are whatever an operator wrote there. */
export interface BaremetalNode {
  readonly id: string
  readonly provisionState: string | null
  readonly instanceId: string | null
  readonly properties: Readonly<Record<string, unknown>>
}

/** Ironic, for the read-only view that old clients have of it through Nova. */
export interface BaremetalPort {
  /** Undefined: the catalogue has no such service. */
  nodes(): Promise<readonly BaremetalNode[] | undefined>
  /** With the addresses of its network cards; null when there is no such node, undefined when there is no such service. */
  node(id: string): Promise<(BaremetalNode & { readonly macs: readonly string[] }) | null | undefined>
}
