/** Where the services listen: upstream's port numbers, all shifted by the same offset. */
export interface Ports {
  readonly identity: number
  readonly compute: number
  readonly metadata: number
  readonly placement: number
  readonly image: number
  readonly network: number
  readonly volume: number
  readonly share: number
}

export const portsAt = (offset: number): Ports => ({
  identity: 5000 + offset,
  compute: 8774 + offset,
  metadata: 8775 + offset,
  placement: 8778 + offset,
  volume: 8776 + offset,
  share: 8786 + offset,
  image: 9292 + offset,
  network: 9696 + offset,
})

export const loopback = '127.0.0.1'
