import { createApiClient } from 'dots-wrapper'
import { z } from 'zod'
import {
  AccountAnswer,
  ActionAnswer,
  DropletAnswer,
  DropletCreated,
  DropletPage,
  FirewallAnswer,
  FirewallPage,
  RegionPage,
  SizePage,
} from './digitalocean-answers.ts'
import { request } from './digitalocean-request.ts'
import { CloudError, type CloudProvider } from './provider.ts'

/** The most that DigitalOcean gives at once. */
const PER_PAGE = 200
/** 200 machines each: far past any account, so a list that never ends is the fault of who answers. */
const MAX_PAGES = 100

const Nothing = z.unknown().transform(() => true as const)
const ANYWHERE = ['0.0.0.0/0', '::/0']

type Client = ReturnType<typeof createApiClient>
type Page = { links?: { pages?: { next?: string | undefined } | undefined } | undefined }

/** DigitalOcean through dots-wrapper. `url` is the API's origin, `timeoutMs` bounds every request. */
export function digitalOcean(options: { url: string; token: string; timeoutMs: number }): CloudProvider {
  const { timeoutMs } = options
  const client: Client = createApiClient({
    endpoint: `${options.url}/v2`,
    token: options.token,
    requestTimeoutInMs: timeoutMs,
  })

  async function ask<T>(
    what: string,
    answer: z.ZodType<T>,
    send: () => Promise<{ data: unknown }>,
  ): Promise<T> {
    const given = await request(what, { answer, timeoutMs }, send)
    if (given === null) throw new CloudError('failed', `${what}: no answer`)
    return given
  }
  function askMissing<T>(what: string, answer: z.ZodType<T>, send: () => Promise<{ data: unknown }>) {
    return request(what, { answer, timeoutMs, missing: true }, send)
  }
  async function all<P extends Page, T>(
    what: string,
    answer: z.ZodType<P>,
    items: (page: P) => T[],
    send: (page: { page: number; per_page: number }) => Promise<{ data: unknown }>,
  ): Promise<T[]> {
    const found: T[] = []
    for (let page = 1; page <= MAX_PAGES; page++) {
      const given = await ask(what, answer, () => send({ page, per_page: PER_PAGE }))
      found.push(...items(given))
      if (given.links?.pages?.next === undefined) return found
    }
    throw new CloudError('failed', `${what}: the list does not end`)
  }

  return {
    async account() {
      const { account } = await ask('read the account', AccountAnswer, () => client.account.getAccount())
      return { email: account.email, machineLimit: account.droplet_limit, status: account.status }
    },
    sizes: () =>
      all(
        'list sizes',
        SizePage,
        ({ sizes }) =>
          sizes
            .filter(({ available, regions }) => available && regions.length > 0)
            .map((size) => ({
              slug: size.slug,
              description: size.description,
              vcpus: size.vcpus,
              memoryMb: size.memory,
              diskGb: size.disk,
              priceMonthly: size.price_monthly,
              priceHourly: size.price_hourly,
              regions: size.regions,
            })),
        (page) => client.size.listSizes(page),
      ),
    regions: () =>
      all(
        'list regions',
        RegionPage,
        ({ regions }) =>
          regions.filter(({ available }) => available).map(({ slug, name }) => ({ slug, name })),
        (page) => client.region.listRegions(page),
      ),
    async createMachine({ name, region, size, image, tags, userData }) {
      const { droplet, links } = await ask('create the droplet', DropletCreated, () =>
        client.droplet.createDroplet({
          name,
          region,
          size,
          image,
          tags: [...tags],
          user_data: userData,
          // Nobody signs in there: no key, and no agent of DigitalOcean that opens a console.
          ssh_keys: [],
          with_droplet_agent: false,
          monitoring: false,
          backups: false,
          ipv6: false,
        }),
      )
      const action = links?.actions.find(({ rel }) => rel === 'create')
      return { machine: droplet, actionId: action?.id ?? null }
    },
    async machine(id) {
      const answer = await askMissing('read the droplet', DropletAnswer, () =>
        client.droplet.getDroplet({ droplet_id: id }),
      )
      return answer?.droplet ?? null
    },
    async machinesWithTag(tag) {
      const droplets = await all(
        'list droplets',
        DropletPage,
        (page) => page.droplets,
        (page) => client.droplet.listDroplets({ ...page, tag_name: tag }),
      )
      // Not taken on trust: what is listed here may be destroyed.
      return droplets.filter((droplet) => droplet.tags.includes(tag))
    },
    async action(machineId, actionId) {
      const answer = await askMissing('read the action', ActionAnswer, () =>
        client.droplet.getDropletAction({ droplet_id: machineId, action_id: actionId }),
      )
      return answer?.action.status ?? null
    },
    async destroyMachine(id) {
      await askMissing('destroy the droplet', Nothing, () => client.droplet.deleteDroplet({ droplet_id: id }))
    },
    async createFirewall({ name, machineId, port }) {
      const { firewall } = await ask('create the firewall', FirewallAnswer, () =>
        client.firewall.createFirewall({
          name,
          droplet_ids: [machineId],
          tags: [],
          inbound_rules: [{ protocol: 'tcp', ports: String(port), sources: { addresses: ANYWHERE } }],
          outbound_rules: ['tcp', 'udp', 'icmp'].map((protocol) => ({
            protocol,
            // ICMP has none; DigitalOcean writes that as 0.
            ports: protocol === 'icmp' ? '0' : 'all',
            destinations: { addresses: ANYWHERE },
          })),
        }),
      )
      return firewall
    },
    async firewallsNamed(name) {
      const firewalls = await all(
        'list firewalls',
        FirewallPage,
        (page) => page.firewalls,
        (page) => client.firewall.listFirewalls(page),
      )
      return firewalls.filter((firewall) => firewall.name === name)
    },
    async destroyFirewall(id) {
      await askMissing('destroy the firewall', Nothing, () =>
        client.firewall.deleteFirewall({ firewall_id: id }),
      )
    },
  }
}
