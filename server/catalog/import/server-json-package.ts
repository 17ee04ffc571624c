import type { DataMount, HttpEndpoint, Transport } from '#contracts/instances.ts'
import { ImageReference, NpmPackageName, NpmVersion } from '#contracts/names.ts'
import { readDockerCommand } from './docker.ts'
import { Refusal, type ReleaseInput, type VariableInput } from './draft.ts'
import { readArguments } from './server-json-arguments.ts'
import type { RegistryPackage } from './server-json-schema.ts'

interface PackageSource {
  source: Extract<ReleaseInput['source'], { type: 'npm' | 'image' }>
  /** What the arguments of `docker run` say besides. */
  docker: { variables: VariableInput[]; data: DataMount[] }
}

/** What a package of the registry is here. Throws Refusal that names its kind. */
export function sourceOf(pack: RegistryPackage, notes: string[]): PackageSource {
  const kind = (pack.registryType ?? pack.registryName ?? '').toLowerCase()
  const name = pack.identifier ?? pack.name ?? ''
  if (kind === 'npm') return { source: npmOf(pack, name, notes), docker: { variables: [], data: [] } }
  if (kind === 'oci' || kind === 'docker')
    return { source: imageOf(pack, name), docker: dockerOf(pack, name, notes) }
  const known = {
    pypi: 'a Python package',
    nuget: 'a .NET package',
    mcpb: 'a desktop bundle',
    maven: 'a Java package',
    cargo: 'a Rust crate',
  }
  const words = known[kind as keyof typeof known] ?? `a package of "${kind.slice(0, 40)}"`
  throw new Refusal(
    `${name.slice(0, 200)} is ${words}; Toolberth runs npm packages, images and remote servers.`,
  )
}

function npmOf(
  { registryBaseUrl, version, runtimeArguments }: RegistryPackage,
  name: string,
  notes: string[],
): PackageSource['source'] {
  if (!NpmPackageName.safeParse(name).success)
    throw new Refusal(`"${name.slice(0, 200)}" is no package of the npm registry.`)
  if (version !== undefined && !NpmVersion.safeParse(version).success)
    throw new Refusal(`"${version.slice(0, 100)}" is no version of an npm package.`)
  if (registryBaseUrl !== undefined && !/^https:\/\/registry\.npmjs\.(?:org|com)\/?$/.test(registryBaseUrl))
    notes.push(
      `It is meant to come from ${registryBaseUrl}; the toolbox asks the registry that it is set up with.`,
    )
  const left = runtimeArguments
    .map((one) => one.name ?? one.value ?? '')
    .filter((one) => !/^(?:-y|--yes|)$/.test(one))
  if (left.length > 0) notes.push(`Arguments of its runtime were left out: ${left.join(', ')}.`)
  return { type: 'npm', package: name, ...(version !== undefined && version !== 'latest' && { version }) }
}

function imageOf({ registryBaseUrl, version }: RegistryPackage, name: string): PackageSource['source'] {
  const host = registryBaseUrl === undefined ? null : URL.parse(registryBaseUrl)?.host
  const hosted = /^(?:[^/]*[.:][^/]*|localhost)\//.test(name)
  const path = hosted || !host || /(?:^|\.)docker\.(?:io|com)$/.test(host) ? name : `${host}/${name}`
  const tagged = /:[^/]+$|@sha256:/.test(path) || version === undefined ? path : `${path}:${version}`
  if (!ImageReference.safeParse(tagged).success)
    throw new Refusal(`"${tagged.slice(0, 200)}" is no name of an image.`)
  return { type: 'image', image: tagged }
}

function dockerOf(pack: RegistryPackage, name: string, notes: string[]): PackageSource['docker'] {
  const words = pack.runtimeArguments.flatMap((argument) => {
    const flag = argument.type === 'named' && argument.name !== undefined ? [argument.name] : []
    const value = argument.value ?? argument.default
    return value === undefined ? flag : [...flag, value]
  })
  if (words.length === 0) return { variables: [], data: [] }
  const said = readDockerCommand('docker', ['run', ...words, 'image'], notes)
  const asked = readArguments(pack.runtimeArguments).asked
  const variables = [...(said?.env ?? [])].map(([variable, value]): VariableInput => {
    const open = value !== undefined && /\{[^{}]+\}/.test(value)
    const secret = pack.runtimeArguments.some(
      (one) =>
        one.value?.startsWith(`${variable}=`) &&
        Object.values(one.variables).some(({ isSecret }) => isSecret),
    )
    return {
      name: variable,
      secret,
      required: open || value === undefined,
      ...(!open && value !== undefined && !secret && { default: value }),
    }
  })
  if (said === null && asked.length > 0) notes.push(`Arguments of the runtime of ${name} were left out.`)
  return { variables, data: (said?.mounts ?? []).map((mountPath) => ({ mountPath })) }
}

interface Endpoint {
  transport: Transport
  http?: HttpEndpoint
  /** The toolbox gives these, so nobody is asked for them. */
  portVariable?: string
  portArgument?: string
}

/** How a package is spoken to. Its port is the toolbox's to choose where the URL leaves it open. */
export function endpointOf(pack: RegistryPackage): Endpoint {
  const { type, url } = pack.transport ?? { type: 'stdio', url: undefined }
  if (type === 'stdio') return { transport: 'stdio' }
  if (type !== 'streamable-http' && type !== 'http')
    throw new Refusal(
      `Its package speaks ${type.slice(0, 40)}; packages and images are run with stdio or streamable-http.`,
    )
  const [, port = '', path = '/mcp'] = /^https?:\/\/[^/]*?(?::([^/]+))?(\/.*)?$/.exec(url ?? '') ?? []
  const name = /\{-{0,2}([^{}]+)\}/.exec(port)?.[1]
  if (name === undefined) {
    const fixed = Number(port)
    if (fixed >= 1024 && fixed <= 65_535)
      return { transport: 'streamable-http', http: { path, port: { fixed } } }
    return { transport: 'streamable-http', http: { path, port: { env: 'PORT' } }, portVariable: 'PORT' }
  }
  const flag = pack.packageArguments.find((one) => one.name?.replace(/^-+/, '') === name)?.name
  if (flag !== undefined)
    return { transport: 'streamable-http', http: { path, port: { arg: flag } }, portArgument: flag }
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new Refusal(`How it is told its port (${name.slice(0, 60)}) cannot be read.`)
  return { transport: 'streamable-http', http: { path, port: { env: name } }, portVariable: name }
}
