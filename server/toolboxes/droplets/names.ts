import { Id } from '#contracts/names.ts'

/** Every droplet of any installation has it, for people who look through the account. */
export const TAG = 'toolberth'

/** Of one installation alone: what is destroyed is looked for by it. */
export function installationTag(installationId: string): string {
  return `tb-installation-${installationId}`
}

/** Name of the droplet of a toolbox, and of its firewall: by it both are found again when an answer was lost. */
export function machineName(toolboxId: string): string {
  return `tb-${toolboxId}`
}

/** The toolbox that a name was made for; null: it is none of ours. */
export function toolboxOfMachine(name: string): string | null {
  const id = Id.safeParse(name.startsWith('tb-') ? name.slice(3) : '')
  return id.success && machineName(id.data) === name ? id.data : null
}
