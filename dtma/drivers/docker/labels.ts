import type { InstanceSpec } from '#contracts/instances.ts'

/** Whose a thing on the engine is. `agent` is the fingerprint of the agent's own key. */
export type Owner = { installationId: string; toolboxId: string; agent: string }

export type Role = 'server' | 'session' | 'prepare' | 'network' | 'package' | 'data'

export const LABEL = {
  installation: 'toolberth.installation',
  toolbox: 'toolberth.toolbox',
  agent: 'toolberth.agent',
  role: 'toolberth.role',
  instance: 'toolberth.instance',
  server: 'toolberth.server',
  revision: 'toolberth.revision',
  /** Of an isolated server: the session whose container or network it is. */
  session: 'toolberth.session',
  /** Port that the server was told, and path of declared data. */
  port: 'toolberth.port',
  path: 'toolberth.path',
} as const

type Labels = Record<string, string>

export function labelsOf(owner: Owner, role: Role, more: Labels = {}): Labels {
  return {
    [LABEL.installation]: owner.installationId,
    [LABEL.toolbox]: owner.toolboxId,
    [LABEL.agent]: owner.agent,
    [LABEL.role]: role,
    ...more,
  }
}

export function instanceLabels(
  owner: Owner,
  role: Role,
  instance: { id: string; spec: InstanceSpec },
): Labels {
  return labelsOf(owner, role, {
    [LABEL.instance]: instance.id,
    [LABEL.server]: instance.spec.serverId,
    [LABEL.revision]: instance.spec.revisionId,
  })
}

/**
 * True for what this agent made, or an earlier agent of the same toolbox of the same installation. Labels of images end up on
 * containers that others start from them, so names have to be ours too (`tb-` and the instance's id).
 */
export function isOurs(owner: Owner, thing: { name: string; labels: Labels | null | undefined }): boolean {
  const labels = thing.labels ?? {}
  const instance = labels[LABEL.instance]
  if (instance !== undefined && !thing.name.startsWith(nameOf(instance))) return false
  if (instance === undefined && !thing.name.startsWith('tb-')) return false
  const sameToolbox =
    labels[LABEL.installation] === owner.installationId && labels[LABEL.toolbox] === owner.toolboxId
  return sameToolbox || labels[LABEL.agent] === owner.agent
}

/** Name of the container and network of an instance, or of one of its sessions; its other things have it as their beginning. */
export function nameOf(instanceId: string, session?: string): string {
  return session === undefined ? `tb-${instanceId}` : `tb-${instanceId}-${session}`
}
