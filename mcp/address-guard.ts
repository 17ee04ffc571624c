import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/**
 * IANA's special-purpose registries (RFC 6890 and its updates): nothing of them is a server on the internet. Of IPv6 only
 * 2000::/3 is global unicast, so what lies outside is refused as a whole.
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]
const SPECIAL_IPV6 = ['::/3', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '4000::/2', '8000::/1']
/** Never meant by a name that was allowed: the cloud's metadata service (link-local), "this host", multicast. */
const NEVER_BY_NAME = ['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/128', 'fe80::/10', 'ff00::/8']
/** RFC 6052: the last 32 bits are an IPv4 address that a translator passes on to. */
const NAT64 = subnets(['64:ff9b::/96'])

const special = subnets([...SPECIAL_IPV4, ...SPECIAL_IPV6])
const neverByName = subnets(NEVER_BY_NAME)

/** Apart by version: Node's own list finds an IPv4 address in blocks of IPv6 that hold its mapped form. */
type Blocks = Record<4 | 6, BlockList>

/** What may be called although it is no public address. */
export interface AllowedRemotes {
  readonly names: ReadonlySet<string>
  readonly addresses: Blocks
}

export const NO_ALLOWED_REMOTES: AllowedRemotes = { names: new Set(), addresses: subnets([]) }

/** Reads host names, addresses and CIDR blocks, separated by commas or spaces. Throws an Error that names a wrong entry. */
export function parseAllowedRemotes(text: string): AllowedRemotes {
  const names = new Set<string>()
  const addresses = subnets([])
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== '')) {
    if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(entry) && !/^[\d.]+$/.test(entry))
      names.add(entry.toLowerCase())
    else if (!addSubnet(addresses, entry))
      throw new Error(`"${entry}" is no host name, address or CIDR block.`)
  }
  return { names, addresses }
}

/** A remote server's address that may not be called. `message` says which and why, for admins. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED'
  constructor(host: string, address: string) {
    super(
      host === address
        ? `${address} is not a public address.`
        : `${host} resolves to ${address}, which is not a public address.`,
    )
    this.name = 'AddressRefused'
  }
}

/** Whether a connection to `address`, which `host` resolved to, may be made. Both without brackets. */
export function mayCall(host: string, address: string, allowed: AllowedRemotes): boolean {
  const plain = withoutMapping(address)
  if (contains(allowed.addresses, plain)) return true
  if (allowed.names.has(host.toLowerCase().replace(/\.$/, ''))) return !contains(neverByName, plain)
  return isIP(plain) !== 0 && !isOwnAddress(plain) && !contains(special, plain)
}

/** A public address of this machine leads to what listens on it. */
function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some((own) => own.address === address))
}

/** IPv4 addresses in IPv6's clothes (mapped, NAT64) as what they are. */
function withoutMapping(address: string): string {
  const [plain = address] = address.split('%')
  if (isIP(plain) !== 6) return plain
  const { hostname } = new URL(`http://[${plain}]/`)
  const [, high, low] = /:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname) ?? []
  const mapped = hostname.startsWith('[::ffff:') || contains(NAT64, plain)
  if (!mapped || high === undefined || low === undefined) return plain
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return bits.flatMap((word) => [word >> 8, word & 0xff]).join('.')
}

function subnets(texts: readonly string[]): Blocks {
  const blocks: Blocks = { 4: new BlockList(), 6: new BlockList() }
  for (const text of texts) if (!addSubnet(blocks, text)) throw new Error(`Not a block: ${text}`)
  return blocks
}

function addSubnet(blocks: Blocks, text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  const longest = version === 4 ? 32 : 128
  const length = prefix === undefined ? longest : Number(prefix)
  const whole = prefix === undefined || /^\d{1,3}$/.test(prefix)
  if ((version !== 4 && version !== 6) || rest.length > 0 || !whole || length > longest) return false
  blocks[version].addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6')
  return true
}

function contains(blocks: Blocks, address: string): boolean {
  const version = isIP(address)
  if (version !== 4 && version !== 6) return false
  return blocks[version].check(address, version === 4 ? 'ipv4' : 'ipv6')
}
