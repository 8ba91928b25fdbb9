/** Ports the service made for itself; they go with their network or subnet. */
export const ownPortOwners: readonly string[] = ['network:dhcp']
