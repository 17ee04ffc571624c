import { InstanceFailure } from '#dtma/drivers/driver.ts'
import { ask, askFor, askUnlessDone, type Engine, messageOf } from './engine.ts'
import { isOurs, LABEL, labelsOf, nameOf, type Owner } from './labels.ts'
import { formatSubnet, freeSubnet, parseSubnet, routedSubnets, type Subnet } from './subnets.ts'

/** Somebody else may take a subnet between our look and the engine's. */
const ATTEMPTS = 20

export type Networks = {
  /** Makes the network of an instance, or of one of its sessions, unless it is there, and answers its name. */
  ensure(
    owner: Owner,
    instanceId: string,
    options: { internal: boolean; session?: string | undefined },
  ): Promise<string>
}

/**
 * One bridge network per instance with a /29 of its own: the engine's own pools end near 30 networks. Made one after another, so
 * that two do not choose the same.
 */
export function createNetworks(engine: Engine, poolText: string): Networks {
  const pool = parseSubnet(poolText)
  if (pool === null) throw new Error(`"${poolText}" is not a network such as 10.231.0.0/16.`)
  let last: Promise<unknown> = Promise.resolve()

  async function create(
    owner: Owner,
    instanceId: string,
    { internal, session }: { internal: boolean; session?: string | undefined },
  ): Promise<string> {
    const name = nameOf(instanceId, session)
    const known = await askFor(() => engine.api.getNetwork(name).inspect())
    if (known !== null) {
      if (!isOurs(owner, { name, labels: known.Labels })) {
        throw new InstanceFailure('TOOLBOX_INTERNAL', `A network ${name} exists that is not ours.`)
      }
      if (known.Internal === internal) return name
      // The way to keep servers from the metadata address has come or gone since.
      await ask(() => engine.api.getNetwork(name).remove())
    }
    const refused: Subnet[] = []
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const taken = [...(await takenSubnets(engine)), ...(await routedSubnets(pool as Subnet)), ...refused]
      const subnet = freeSubnet(pool as Subnet, taken, 0)
      if (subnet === null) break
      try {
        await ask(() =>
          engine.api.createNetwork({
            Name: name,
            Driver: 'bridge',
            Internal: internal,
            CheckDuplicate: true,
            IPAM: { Driver: 'default', Config: [{ Subnet: formatSubnet(subnet) }] },
            Labels: labelsOf(owner, 'network', {
              [LABEL.instance]: instanceId,
              ...(session !== undefined && { [LABEL.session]: session }),
            }),
          }),
        )
        return name
      } catch (error) {
        if (!/overlaps|conflicts/i.test(messageOf(error))) throw error
        refused.push(subnet)
      }
    }
    throw new InstanceFailure('TOOLBOX_INTERNAL', `No network is free in ${poolText} (DTMA_NETWORK_POOL).`)
  }

  return {
    ensure(owner, instanceId, how) {
      const next = last.then(() => create(owner, instanceId, how))
      last = next.catch(() => undefined)
      return next
    },
  }
}

async function takenSubnets(engine: Engine): Promise<Subnet[]> {
  const networks = await ask(() => engine.api.listNetworks())
  return networks.flatMap((network) =>
    (network.IPAM?.Config ?? []).flatMap(({ Subnet: text }) => {
      const subnet = text === undefined ? null : parseSubnet(text)
      return subnet === null ? [] : [subnet]
    }),
  )
}

export async function removeNetwork(engine: Engine, owner: Owner, name: string): Promise<void> {
  const network = await askFor(() => engine.api.getNetwork(name).inspect())
  if (network === null || !isOurs(owner, { name, labels: network.Labels })) return
  await askUnlessDone(() => engine.api.getNetwork(network.Id).remove())
}
