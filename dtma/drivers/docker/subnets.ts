import { readFile } from 'node:fs/promises'

/** Addresses as numbers: the first one and how many there are. */
export type Subnet = { start: number; size: number }

/** Six addresses for use: the gateway, the server, and room for the engine. */
const SERVER_SUBNET_SIZE = 8

/** `a.b.c.d/n`; null when it is not IPv4 in this form. */
export function parseSubnet(text: string): Subnet | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  if (match === null) return null
  const [a, b, c, d, bits] = match.slice(1).map(Number) as [number, number, number, number, number]
  if ([a, b, c, d].some((part) => part > 255) || bits > 32) return null
  const size = 2 ** (32 - bits)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  return { start: address - (address % size), size }
}

export function formatSubnet({ start, size }: Subnet): string {
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256)
  return `${parts.join('.')}/${32 - Math.log2(size)}`
}

/** The first /29 of the pool that shares no address with `taken`, from the given one on; null when there is none. */
export function freeSubnet(pool: Subnet, taken: readonly Subnet[], skip: number): Subnet | null {
  const count = Math.floor(pool.size / SERVER_SUBNET_SIZE)
  for (let i = 0; i < count; i++) {
    const start = pool.start + ((i + skip) % count) * SERVER_SUBNET_SIZE
    const candidate = { start, size: SERVER_SUBNET_SIZE }
    if (!taken.some((other) => overlap(candidate, other))) return candidate
  }
  return null
}

function overlap(a: Subnet, b: Subnet): boolean {
  return a.start < b.start + b.size && b.start < a.start + a.size
}

/** What this machine routes already, besides the default route and whole ranges that hold the pool. */
export async function routedSubnets(pool: Subnet, table = '/proc/net/route'): Promise<Subnet[]> {
  const text = await readFile(table, 'latin1').catch(() => '')
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.split('\t')
      const mask = littleEndian(fields[7] ?? '')
      if (mask === 0) return []
      const subnet = { start: littleEndian(fields[1] ?? ''), size: 2 ** 32 - mask }
      return subnet.size >= pool.size ? [] : [subnet]
    })
}

function littleEndian(hex: string): number {
  return /^[0-9A-F]{8}$/.test(hex) ? Buffer.from(hex, 'hex').readUInt32LE() : 0
}
