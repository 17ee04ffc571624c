import { randomUUID } from 'node:crypto'
import {
  actionShape,
  dropletShape,
  firewallShape,
  REGIONS,
  SIZES,
  type SimulatedDroplet,
  type SimulatedFirewall,
} from './shapes.ts'

export interface Answer {
  status: number
  body: unknown
}

export interface AccountOptions {
  /** The most items on one page, below DigitalOcean's 200 to make lists of several pages. */
  pageSize?: number
  dropletLimit?: number
}

type Query = Record<string, string>
type Listed = Record<string, unknown>

const refusal = (status: number, id: string, message: string): Answer => ({ status, body: { id, message } })
const notFound = () => refusal(404, 'not_found', 'The resource you were accessing could not be found.')

/** The state behind the simulated API, and what its requests do to it. */
export function createAccount(url: () => string, options: AccountOptions = {}) {
  const droplets = new Map<number, SimulatedDroplet>()
  const firewalls = new Map<string, SimulatedFirewall>()
  let ids = 1000
  /** How many times the action of a droplet is asked for until it is done. */
  let pollsToBoot = 1
  let fate: 'boots' | 'errors' | 'hangs' | 'has no address' = 'boots'
  let onBoot: (droplet: SimulatedDroplet) => void = () => undefined
  let nextAddress = 10
  let tagsIgnored = false
  let addressOf: () => string = () => `203.0.113.${nextAddress++}`

  function page(name: string, items: readonly unknown[], path: string, query: Query): Answer {
    const per = Math.min(Number(query.per_page ?? 20), options.pageSize ?? 200)
    const at = Number(query.page ?? 1)
    const last = Math.max(1, Math.ceil(items.length / per))
    const link = (n: number) => `${url()}${path}?page=${n}&per_page=${per}`
    const pages = {
      ...(at < last && { next: link(at + 1), last: link(last) }),
      ...(at > 1 && { first: link(1), prev: link(at - 1) }),
    }
    return {
      status: 200,
      body: {
        [name]: items.slice((at - 1) * per, at * per),
        links: Object.keys(pages).length > 0 ? { pages } : {},
        meta: { total: items.length },
      },
    }
  }

  /** Moves a droplet on as its action is asked for: it is done after some polls, and then it runs and has an address. */
  function progress(droplet: SimulatedDroplet): void {
    const { action } = droplet
    if (action.status !== 'in-progress' || fate === 'hangs') return
    if (++action.polls < pollsToBoot) return
    action.status = fate === 'errors' ? 'errored' : 'completed'
    if (fate === 'errors') return
    droplet.status = 'active'
    if (fate === 'has no address') return
    droplet.ipv4 = addressOf()
    onBoot(droplet)
  }

  function createDroplet(body: Listed): Answer {
    const size = SIZES.find(({ slug }) => slug === body.size)
    if (!size?.available)
      return refusal(422, 'unprocessable_entity', 'You specified an invalid size for Droplet creation.')
    if (!size.regions.includes(String(body.region)))
      return refusal(422, 'unprocessable_entity', 'Size is not available in this region.')
    if (droplets.size >= (options.dropletLimit ?? 25))
      return refusal(
        422,
        'unprocessable_entity',
        'creating this/these droplet(s) will exceed your droplet limit',
      )
    if (String(body.user_data).length > 64 * 1024)
      return refusal(422, 'unprocessable_entity', 'User data is too long.')
    const droplet: SimulatedDroplet = {
      id: ++ids,
      name: String(body.name),
      region: String(body.region),
      size: String(body.size),
      image: String(body.image),
      tags: body.tags as string[],
      userData: String(body.user_data),
      createdAt: new Date(),
      status: 'new',
      ipv4: null,
      action: { id: ++ids, status: 'in-progress', polls: 0 },
    }
    droplets.set(droplet.id, droplet)
    const href = `${url()}/v2/actions/${droplet.action.id}`
    return {
      status: 202,
      body: {
        droplet: dropletShape(droplet),
        links: { actions: [{ id: droplet.action.id, rel: 'create', href }] },
      },
    }
  }

  function createFirewall(body: Listed): Answer {
    const name = String(body.name)
    if ([...firewalls.values()].some((firewall) => firewall.name === name))
      return refusal(409, 'conflict', 'duplicate name')
    const missing = (body.droplet_ids as number[]).find((id) => !droplets.has(id))
    if (missing !== undefined) return refusal(400, 'bad_request', `droplet ${missing} does not exist`)
    const firewall: SimulatedFirewall = {
      id: randomUUID(),
      name,
      dropletIds: body.droplet_ids as number[],
      inbound: body.inbound_rules as unknown[],
      outbound: body.outbound_rules as unknown[],
      createdAt: new Date(),
    }
    firewalls.set(firewall.id, firewall)
    return { status: 202, body: { firewall: firewallShape(firewall) } }
  }

  function handle(method: string, path: string, query: Query, body: unknown): Answer {
    const [, , what = '', id = '', sub = '', subId = ''] = path.split('/')
    const droplet = what === 'droplets' ? droplets.get(Number(id)) : undefined
    const call = `${method} ${what}${id ? '/:id' : ''}${sub ? `/${sub}` : ''}${subId ? '/:id' : ''}`
    switch (call) {
      case 'GET account':
        return {
          status: 200,
          body: {
            account: {
              droplet_limit: options.dropletLimit ?? 25,
              floating_ip_limit: 3,
              email: 'owner@example.test',
              uuid: 'b6fr89dbf6d9156cace5f3c78dc9851d957381ef',
              email_verified: true,
              status: 'active',
              status_message: '',
            },
          },
        }
      case 'GET sizes':
        return page('sizes', SIZES, path, query)
      case 'GET regions':
        return page('regions', REGIONS, path, query)
      case 'POST droplets':
        return createDroplet(body as Listed)
      case 'GET droplets': {
        const found = [...droplets.values()].filter(
          ({ tags }) => tagsIgnored || query.tag_name === undefined || tags.includes(query.tag_name),
        )
        return page('droplets', found.map(dropletShape), path, query)
      }
      case 'GET droplets/:id':
        if (!droplet) return notFound()
        progress(droplet)
        return { status: 200, body: { droplet: dropletShape(droplet) } }
      case 'GET droplets/:id/actions/:id':
        if (droplet?.action.id !== Number(subId)) return notFound()
        progress(droplet)
        return { status: 200, body: { action: actionShape(droplet) } }
      case 'DELETE droplets/:id':
        return droplets.delete(Number(id)) ? { status: 204, body: null } : notFound()
      case 'POST firewalls':
        return createFirewall(body as Listed)
      case 'GET firewalls':
        return page('firewalls', [...firewalls.values()].map(firewallShape), path, query)
      case 'DELETE firewalls/:id':
        return firewalls.delete(id) ? { status: 204, body: null } : notFound()
      default:
        return notFound()
    }
  }

  return {
    droplets,
    firewalls,
    handle,
    /** What becomes of droplets from now on. */
    setFate(next: typeof fate, polls = 1) {
      fate = next
      pollsToBoot = polls
    },
    /** Lets lists by tag give everything. */
    ignoreTags(ignored: boolean) {
      tagsIgnored = ignored
    },
    whenBooted(work: typeof onBoot) {
      onBoot = work
    },
    giveAddress(next: typeof addressOf) {
      addressOf = next
    },
    /** Puts a droplet there as somebody else would have made it. */
    plant(droplet: Partial<SimulatedDroplet> & { name: string; tags: string[] }): SimulatedDroplet {
      const planted: SimulatedDroplet = {
        id: ++ids,
        region: 'fra1',
        size: 's-1vcpu-1gb',
        image: 'ubuntu-24-04-x64',
        userData: '',
        createdAt: new Date(Date.now() - 24 * 60 * 60_000),
        status: 'active',
        ipv4: addressOf(),
        action: { id: ++ids, status: 'completed', polls: 1 },
        ...droplet,
      }
      droplets.set(planted.id, planted)
      return planted
    },
  }
}
