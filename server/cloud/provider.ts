/** A machine as its cloud describes it. */
export interface Machine {
  id: number
  name: string
  createdAt: Date
  status: 'new' | 'active' | 'off' | 'archive'
  /** Its public address; null while it has none yet. */
  ipv4: string | null
  tags: readonly string[]
  region: string
  size: string
}

export interface NewMachine {
  name: string
  region: string
  size: string
  image: string
  tags: readonly string[]
  /** cloud-init's input; at most 64 KiB. */
  userData: string
}

export interface Firewall {
  id: string
  name: string
}

export interface MachineSize {
  slug: string
  description: string
  vcpus: number
  memoryMb: number
  diskGb: number
  /** US dollars. */
  priceMonthly: number
  priceHourly: number
  /** Slugs of the regions that have it now. */
  regions: string[]
}

export interface CloudRegion {
  slug: string
  name: string
}

export interface CloudAccount {
  email: string
  machineLimit: number
  /** `active`, `warning` or `locked`. */
  status: string
}

/**
 * A cloud that rents out machines. Every method is one request (a list: one a page), bounded in time, and throws CloudError. What
 * is named is not there is null or success, never an error.
 */
export interface CloudProvider {
  account(): Promise<CloudAccount>
  /** Only what can be ordered now. */
  sizes(): Promise<MachineSize[]>
  regions(): Promise<CloudRegion[]>
  createMachine(machine: NewMachine): Promise<{ machine: Machine; actionId: number | null }>
  machine(id: number): Promise<Machine | null>
  /** Every machine with exactly this tag, through all pages. */
  machinesWithTag(tag: string): Promise<Machine[]>
  action(machineId: number, actionId: number): Promise<'in-progress' | 'completed' | 'errored' | null>
  destroyMachine(id: number): Promise<void>
  /** Lets nothing in but TCP to `port`; everything out. */
  createFirewall(firewall: { name: string; machineId: number; port: number }): Promise<Firewall>
  /** Every firewall of exactly this name, through all pages. */
  firewallsNamed(name: string): Promise<Firewall[]>
  destroyFirewall(id: string): Promise<void>
}

/**
 * `unanswered`: nobody knows whether it was done. `failed`: the cloud says that it failed on its side, which may still have done it.
 * `limited`: refused for now, nothing was done. `unauthorized`: the token. `refused`: definitive, nothing was done.
 */
export type CloudErrorKind = 'unanswered' | 'failed' | 'limited' | 'unauthorized' | 'refused'

/** A request that did not give what it should. Its message names the request and what came back, never the token. */
export class CloudError extends Error {
  readonly kind: CloudErrorKind
  /** How long the cloud asks to wait; 0 when it does not say. */
  readonly retryAfterMs: number

  constructor(kind: CloudErrorKind, message: string, retryAfterMs = 0) {
    super(message)
    this.name = 'CloudError'
    this.kind = kind
    this.retryAfterMs = retryAfterMs
  }
}
