import { z } from 'zod'
import type { Machine } from './provider.ts'

/** What of DigitalOcean's answers is read, by its OpenAPI description. */
const Network = z.object({ ip_address: z.string(), type: z.string() })

export const Droplet = z
  .object({
    id: z.int(),
    name: z.string(),
    created_at: z.iso.datetime(),
    status: z.enum(['new', 'active', 'off', 'archive']),
    networks: z.object({ v4: z.array(Network).default([]) }),
    tags: z.array(z.string()).nullable(),
    region: z.object({ slug: z.string() }),
    size_slug: z.string(),
  })
  .transform(
    (droplet): Machine => ({
      id: droplet.id,
      name: droplet.name,
      createdAt: new Date(droplet.created_at),
      status: droplet.status,
      ipv4: droplet.networks.v4.find(({ type }) => type === 'public')?.ip_address ?? null,
      tags: droplet.tags ?? [],
      region: droplet.region.slug,
      size: droplet.size_slug,
    }),
  )

const Links = z.object({ pages: z.object({ next: z.string().optional() }).optional() }).optional()

export const DropletAnswer = z.object({ droplet: Droplet })
export const DropletCreated = DropletAnswer.extend({
  links: z.object({ actions: z.array(z.object({ id: z.int(), rel: z.string() })).default([]) }).optional(),
})
export const DropletPage = z.object({ droplets: z.array(Droplet), links: Links })

export const ActionAnswer = z.object({
  action: z.object({ status: z.enum(['in-progress', 'completed', 'errored']) }),
})

const Firewall = z.object({ id: z.string(), name: z.string() })
export const FirewallAnswer = z.object({ firewall: Firewall })
export const FirewallPage = z.object({ firewalls: z.array(Firewall), links: Links })

export const SizePage = z.object({
  sizes: z.array(
    z.object({
      slug: z.string(),
      description: z.string(),
      available: z.boolean(),
      vcpus: z.int(),
      memory: z.int(),
      disk: z.int(),
      price_monthly: z.number(),
      price_hourly: z.number(),
      regions: z.array(z.string()),
    }),
  ),
  links: Links,
})

export const RegionPage = z.object({
  regions: z.array(z.object({ slug: z.string(), name: z.string(), available: z.boolean() })),
  links: Links,
})

export const AccountAnswer = z.object({
  account: z.object({ email: z.string(), droplet_limit: z.int(), status: z.string() }),
})

/** Body of every refusal. */
export const Refusal = z.object({ message: z.string() })
