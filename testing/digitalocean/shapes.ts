/** What the account can order, in DigitalOcean's words. */
export const REGIONS = [
  {
    name: 'Frankfurt 1',
    slug: 'fra1',
    features: ['metadata'],
    available: true,
    sizes: ['s-1vcpu-1gb', 's-2vcpu-4gb'],
  },
  { name: 'New York 3', slug: 'nyc3', features: ['metadata'], available: true, sizes: ['s-1vcpu-1gb'] },
  { name: 'San Francisco 1', slug: 'sfo1', features: ['metadata'], available: false, sizes: [] },
]

const size = (
  slug: string,
  memory: number,
  vcpus: number,
  disk: number,
  monthly: number,
  regions: string[],
) => ({
  slug,
  memory,
  vcpus,
  disk,
  transfer: 1,
  price_monthly: monthly,
  price_hourly: Number((monthly / 672).toFixed(5)),
  regions,
  available: regions.length > 0,
  description: 'Basic',
})

export const SIZES = [
  size('s-2vcpu-4gb', 4096, 2, 80, 24, ['fra1']),
  size('s-1vcpu-1gb', 1024, 1, 25, 6, ['fra1', 'nyc3']),
  size('s-1vcpu-512mb-10gb', 512, 1, 10, 4, []),
]

export interface SimulatedDroplet {
  id: number
  name: string
  region: string
  size: string
  image: string
  tags: string[]
  userData: string
  createdAt: Date
  status: 'new' | 'active' | 'off'
  ipv4: string | null
  action: { id: number; status: 'in-progress' | 'completed' | 'errored'; polls: number }
}

export interface SimulatedFirewall {
  id: string
  name: string
  dropletIds: number[]
  inbound: unknown[]
  outbound: unknown[]
  createdAt: Date
}

export function dropletShape(droplet: SimulatedDroplet) {
  const of = SIZES.find(({ slug }) => slug === droplet.size) ?? SIZES[0]
  return {
    id: droplet.id,
    name: droplet.name,
    memory: of?.memory,
    vcpus: of?.vcpus,
    disk: of?.disk,
    locked: droplet.status === 'new',
    status: droplet.status,
    created_at: droplet.createdAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    features: [],
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: [],
    image: {
      id: 1,
      name: '24.04 (LTS) x64',
      type: 'base',
      distribution: 'Ubuntu',
      slug: droplet.image,
      public: true,
      regions: ['fra1', 'nyc3'],
      created_at: '2026-01-01T00:00:00Z',
      min_disk_size: 7,
      size_gigabytes: 2.5,
      tags: [],
      status: 'available',
    },
    volume_ids: [],
    size: of,
    size_slug: droplet.size,
    networks: {
      v4:
        droplet.ipv4 === null
          ? []
          : [
              { ip_address: '10.114.0.2', netmask: '255.255.240.0', gateway: '10.114.0.1', type: 'private' },
              { ip_address: droplet.ipv4, netmask: '255.255.240.0', gateway: '203.0.113.1', type: 'public' },
            ],
      v6: [],
    },
    region: REGIONS.find(({ slug }) => slug === droplet.region),
    tags: droplet.tags,
    vpc_uuid: '760e09ef-dc84-11e8-981e-3cfdfeaae000',
  }
}

export function actionShape({ action, id, region, createdAt }: SimulatedDroplet) {
  return {
    id: action.id,
    status: action.status,
    type: 'create',
    started_at: createdAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    completed_at: action.status === 'in-progress' ? null : '2026-01-01T00:00:00Z',
    resource_id: id,
    resource_type: 'droplet',
    region: REGIONS.find(({ slug }) => slug === region),
    region_slug: region,
  }
}

export function firewallShape(firewall: SimulatedFirewall) {
  return {
    id: firewall.id,
    name: firewall.name,
    status: 'succeeded',
    created_at: firewall.createdAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    pending_changes: [],
    droplet_ids: firewall.dropletIds,
    tags: [],
    inbound_rules: firewall.inbound,
    outbound_rules: firewall.outbound,
  }
}
