import { NpmPackageName, NpmVersion } from '#contracts/names.ts'
import { Refusal } from './draft.ts'

export interface NpmCommand {
  package: string
  version?: string
  bin?: string
  args: string[]
}

/** Options of npx and its kin that have a value of their own. */
const WITH_VALUE = new Set([
  '--registry',
  '--cache',
  '--prefix',
  '--userconfig',
  '--loglevel',
  '-w',
  '--workspace',
])

/** The package that `npx`, `bunx`, `pnpm dlx`, `yarn dlx` or `npm exec` starts; null for another command. Throws Refusal. */
export function readNpmCommand(command: string, args: readonly string[], notes: string[]): NpmCommand | null {
  const rest = argumentsOf(command, args)
  if (rest === null) return null
  let named: string | undefined
  let at = 0
  for (; at < rest.length; at++) {
    const arg = rest[at] ?? ''
    const [option = '', joined] = arg.split(/=(.*)/s)
    if (arg === '--') {
      at++
      break
    }
    if (!arg.startsWith('-')) break
    if (option === '-c' || option === '--call')
      throw new Refusal(`It starts a shell command (${option}), which is never done.`)
    if (option === '-p' || option === '--package') named = joined ?? rest[++at]
    else if (WITH_VALUE.has(option)) {
      notes.push(`${arg} of ${command} was left out: packages come from the registry of the toolbox.`)
      if (joined === undefined) at++
    }
  }
  const first = rest[at]
  const spec = named ?? first
  if (spec === undefined) throw new Refusal(`It names no package after ${command}.`)
  const found = { ...readSpec(spec), args: rest.slice(at + 1) }
  return named === undefined || first === undefined ? found : { ...found, bin: first }
}

function argumentsOf(command: string, args: readonly string[]): string[] | null {
  const [first, ...rest] = args
  switch (command) {
    case 'npx':
    case 'bunx':
    case 'pnpx':
      return [...args]
    case 'pnpm':
    case 'yarn':
      return first === 'dlx' ? rest : null
    case 'npm':
      return first === 'exec' || first === 'x' ? rest : null
    case 'bun':
      return first === 'x' ? rest : null
    default:
      return null
  }
}

/** `@scope/name@1.2.3`. */
function readSpec(spec: string): { package: string; version?: string } {
  const at = spec.indexOf('@', 1)
  const name = at === -1 ? spec : spec.slice(0, at)
  const version = at === -1 ? undefined : spec.slice(at + 1)
  if (!NpmPackageName.safeParse(name).success || /^[.~/]/.test(name))
    throw new Refusal(`"${spec.slice(0, 200)}" is no package of the npm registry.`)
  if (version === undefined || version === 'latest') return { package: name }
  if (!NpmVersion.safeParse(version).success)
    throw new Refusal(`"${version.slice(0, 100)}" is no version of an npm package.`)
  return { package: name, version }
}
