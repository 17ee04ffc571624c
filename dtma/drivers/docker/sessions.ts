import { ask, askUnlessDone, type Engine } from './engine.ts'
import { removeContainer } from './helper-container.ts'
import { isOurs, LABEL, type Owner } from './labels.ts'

/**
 * Ends and deletes containers and networks of sessions of isolated servers: of one instance or of all, of one session or of all
 * but those to `keep`.
 */
export async function endSessions(
  engine: Engine,
  owner: Owner,
  which: { instanceId?: string; session?: string; keep?: (session: string) => boolean },
): Promise<void> {
  const { instanceId, session, keep } = which
  const filters = {
    label: [
      session === undefined ? LABEL.session : `${LABEL.session}=${session}`,
      ...(instanceId === undefined ? [] : [`${LABEL.instance}=${instanceId}`]),
    ],
  }
  const isMeant = (name: string, labels: Record<string, string> | undefined) =>
    isOurs(owner, { name, labels }) && keep?.(labels?.[LABEL.session] ?? '') !== true

  for (const container of await ask(() => engine.api.listContainers({ all: true, filters }))) {
    const name = container.Names[0]?.replace(/^\//, '') ?? ''
    if (isMeant(name, container.Labels)) await removeContainer(engine, container.Id)
  }
  for (const network of await ask(() => engine.api.listNetworks({ filters })))
    if (isMeant(network.Name, network.Labels))
      await askUnlessDone(() => engine.api.getNetwork(network.Id).remove())
}
