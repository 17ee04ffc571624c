import { z } from 'zod'
import type { ImportAnswers } from '#contracts/catalog-transfer.ts'
import type { DataMount } from '#contracts/instances.ts'
import { sortArguments } from './arguments.ts'
import { type DockerCommand, readDockerCommand } from './docker.ts'
import {
  draft,
  type HeaderInput,
  type ImportDraft,
  OLDER_SSE,
  Refusal,
  type ReleaseInput,
  slugOf,
  titleOf,
  type VariableInput,
} from './draft.ts'
import { readNpmCommand } from './npx.ts'
import { askedBy, type Inputs } from './reference.ts'
import { isPlaceholder, isSecret } from './secrets.ts'

const Scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)

/** One server as the configurations of MCP clients have it; each has a part of this. What is unknown is not read. */
export const ClientServer = z.object({
  type: z.string().optional(),
  transport: z.string().optional(),
  command: z.string().optional(),
  args: z.array(Scalar).default([]),
  env: z.record(z.string(), Scalar.nullable()).default({}),
  cwd: z.string().optional(),
  envFile: z.string().optional(),
  url: z.string().optional(),
  serverUrl: z.string().optional(),
  httpUrl: z.string().optional(),
  headers: z.record(z.string(), Scalar).default({}),
  disabled: z.boolean().optional(),
  enabled: z.boolean().optional(),
})
export type ClientServer = z.infer<typeof ClientServer>

interface Found {
  inputs: Inputs
  answers: ImportAnswers
  notes: string[]
}

/** Reads one server of a client's configuration; what cannot be run is refused in words. */
export function readClientServer(key: string, value: unknown, inputs: Inputs): ImportDraft {
  return draft(key, ({ answers, notes }) => {
    const parsed = ClientServer.safeParse(value)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw new Refusal(`Its ${issue?.path.join('.') || 'value'} is wrong: ${issue?.message}.`)
    }
    const server = parsed.data
    const found = { inputs, answers, notes }
    if (server.disabled === true || server.enabled === false)
      notes.push('It is switched off in the configuration.')
    const { release, description } = readSource(server, found)
    return { slug: slugOf(key), title: titleOf(key), description, release }
  })
}

function readSource(server: ClientServer, found: Found): { release: ReleaseInput; description: string } {
  const url = server.url ?? server.serverUrl ?? server.httpUrl
  if (url !== undefined) return readRemote(url, server.headers, server.type ?? server.transport, found)
  if (server.command === undefined) throw new Refusal('It has neither a command nor a URL.')
  const { command, args } = unwrap(server.command, server.args)
  if (server.cwd !== undefined)
    found.notes.push(`The folder ${server.cwd} was left out: a server has its own.`)
  if (server.envFile !== undefined) found.notes.push(`The file of variables ${server.envFile} was not read.`)
  const npm = readNpmCommand(command, args, found.notes)
  if (npm) {
    const remote = npm.package === 'mcp-remote' ? bridged(npm.args) : null
    if (remote) return readRemote(remote.url, filledIn(remote.headers, server.env), remote.type, found)
    const { fixed, asked } = sortArguments(npm.args, found)
    return {
      description: `The npm package ${npm.package}.`,
      release: {
        version: npm.version ?? 'latest',
        source: {
          type: 'npm',
          package: npm.package,
          ...(npm.version !== undefined && { version: npm.version }),
          ...(npm.bin !== undefined && { bin: npm.bin }),
          ...(fixed.length > 0 && { args: fixed }),
        },
        transport: 'stdio',
        variables: readVariables(server.env, found),
        arguments: asked,
      },
    }
  }
  const docker = readDockerCommand(command, args, found.notes)
  if (docker) return readImage(docker, server.env, found)
  throw new Refusal(whyNot(command))
}

function readImage(
  docker: DockerCommand,
  env: ClientServer['env'],
  found: Found,
): ReturnType<typeof readSource> {
  const { fixed, asked } = sortArguments(docker.args, found)
  const passed = Object.fromEntries(
    [...docker.env].map(([name, value]) => [name, value ?? env[name] ?? null]),
  )
  for (const name of Object.keys(env))
    if (!docker.env.has(name) && !usedBy(docker, name))
      found.notes.push(`${name} was left out: the command does not pass it on to the container (-e ${name}).`)
  const limits = {
    ...(docker.memoryMb !== undefined && { memoryMb: docker.memoryMb }),
    ...(docker.cpus !== undefined && { cpus: docker.cpus }),
  }
  return {
    description: `The image ${docker.image}.`,
    release: {
      version: tagOf(docker.image),
      source: { type: 'image', image: docker.image, ...(fixed.length > 0 && { args: fixed }) },
      transport: 'stdio',
      variables: readVariables(passed, found),
      arguments: asked,
      ...(Object.keys(limits).length > 0 && { limits }),
      ...(docker.mounts.length > 0 && { data: docker.mounts.map((mountPath): DataMount => ({ mountPath })) }),
    },
  }
}

function usedBy(docker: DockerCommand, name: string): boolean {
  return [...docker.env.values(), ...docker.args].some((value) => value?.includes(`\${${name}}`))
}

/** "1.2" of "registry/image:1.2"; the beginning of a digest; or "latest". */
export function tagOf(image: string): string {
  const [name = '', digest] = image.split('@')
  const tag = /:([^:/]+)$/.exec(name)?.[1]
  return (tag ?? digest?.slice(0, 19) ?? 'latest').slice(0, 64)
}

function readRemote(
  url: string,
  headers: Record<string, string>,
  type: string | undefined,
  found: Found,
): ReturnType<typeof readSource> {
  const parsed = URL.parse(url)
  if (url.includes('${')) throw new Refusal('Its URL has a part that is filled in later. Write the URL out.')
  if (!parsed || !/^https?:$/.test(parsed.protocol)) throw new Refusal(`"${url.slice(0, 200)}" is no URL.`)
  if (parsed.username || parsed.password)
    throw new Refusal('Its URL has a password in it. Send that in a header instead.')
  const secretParts = [...parsed.searchParams].filter(([name, value]) => isSecret(name, value))
  if (secretParts.length > 0)
    found.notes.push(
      `The part "${secretParts[0]?.[0]}" of the URL looks like a secret: every admin can read URLs.`,
    )
  const sse = type === 'sse' || (type === undefined && /\/sse\/?$/.test(parsed.pathname))
  if (sse) found.notes.push(OLDER_SSE)
  return {
    description: `The remote server at ${parsed.host}.`,
    release: {
      version: '1',
      source: { type: 'remote', url },
      transport: sse ? 'sse' : 'streamable-http',
      headers: Object.entries(headers).map(([name, value]) => readHeader(name, value, found)),
    },
  }
}

function readHeader(name: string, value: string, { inputs, answers }: Found): HeaderInput {
  const asked = askedBy(value, inputs, name)
  if (asked) {
    const { template, description, choices } = asked
    return {
      name,
      required: true,
      secret: asked.secret,
      ...(description && { description }),
      ...(template && { placeholder: template.replace(/\$\{[^{}]+\}/g, '…').slice(0, 256) }),
      ...(asked.default !== undefined && { default: asked.default }),
      ...(choices && { choices }),
    }
  }
  if (!isSecret(name, value)) return { name, default: value }
  if (!isPlaceholder(value.replace(/^\w+\s+/, ''))) answers.headers[name] = value
  return { name, required: true, secret: true, ...(/^Bearer\s/i.test(value) && { placeholder: 'Bearer …' }) }
}

function readVariables(env: ClientServer['env'], { inputs, answers }: Found): VariableInput[] {
  return Object.entries(env).map(([name, value]) => {
    if (value === null) return { name, required: true, secret: isSecret(name) }
    const asked = askedBy(value, inputs, name)
    if (asked) {
      const { template, description, choices, secret } = asked
      return {
        name,
        required: asked.default === undefined,
        secret,
        ...(description && { description }),
        ...(template && !secret && { placeholder: template.slice(0, 256) }),
        ...(asked.default !== undefined && { default: asked.default }),
        ...(choices && { choices }),
      }
    }
    const secret = isSecret(name, value)
    if (isPlaceholder(value)) {
      const hint = value === '' ? {} : { placeholder: value.slice(0, 256) }
      return { name, required: value !== '', secret, ...hint }
    }
    answers.env[name] = { value, secret }
    return secret ? { name, required: true, secret } : { name, default: value }
  })
}

/** `npx mcp-remote URL --header "Name: value"` is a remote server with a bridge before it, which is not needed here. */
function bridged(
  args: readonly string[],
): { url: string; headers: Record<string, string>; type?: string } | null {
  const [url, ...rest] = args
  if (url === undefined || !/^https?:\/\//.test(url)) return null
  const headers: Record<string, string> = {}
  let type: string | undefined
  for (let at = 0; at < rest.length; at++) {
    if (rest[at] === '--header') {
      const [, name, value] = /^\s*([^:\s]+)\s*:\s*(.*)$/s.exec(rest[++at] ?? '') ?? []
      if (name === undefined || value === undefined) return null
      headers[name] = value
    } else if (rest[at] === '--transport') type = rest[++at]?.startsWith('sse') ? 'sse' : 'http'
    else if (rest[at] !== '--allow-http' && rest[at] !== '--debug') return null
  }
  return { url, headers, ...(type !== undefined && { type }) }
}

/** A bridge fills its headers in from the variables beside it. */
function filledIn(headers: Record<string, string>, env: ClientServer['env']): Record<string, string> {
  const fill = (value: string) =>
    value.replace(/\$\{(\w+)\}/g, (reference, name: string) => {
      const own = env[name] ?? ''
      return isPlaceholder(own) || own.includes('${') ? reference : own
    })
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]))
}

/** The bare name of a command, without folder and ending, and without `cmd /c` before it. */
function unwrap(command: string, args: readonly string[]): { command: string; args: readonly string[] } {
  const name = (command.split(/[\\/]/).at(-1) ?? command).replace(/\.(?:cmd|exe|ps1|bat)$/i, '').toLowerCase()
  const [first, second, ...rest] = args
  if (name === 'cmd' && first?.toLowerCase() === '/c' && second !== undefined) return unwrap(second, rest)
  if (name === 'env' && first !== undefined && !first.includes('=') && !first.startsWith('-'))
    return unwrap(first, args.slice(1))
  if (args.length === 0 && /\s/.test(command.trim()) && !/[\\/]/.test(command)) {
    const [head = '', ...tail] = command.trim().split(/\s+/)
    return unwrap(head, tail)
  }
  return { command: name, args }
}

function whyNot(command: string): string {
  if (/^(?:uvx?|pipx?|python[\d.]*|poetry|conda)$/.test(command))
    return `It is a Python program (${command}). Toolberth runs npm packages, images and remote servers: use an image of it.`
  if (command === 'node' || command === 'deno' || command === 'bun' || command === 'tsx')
    return `It runs a file of that machine with ${command}. Publish it as an npm package or an image.`
  if (/^(?:ba|z|fi|da)?sh$|^(?:cmd|powershell|pwsh)$/.test(command))
    return `It starts a shell (${command}), which is never done.`
  return `It starts the program "${command.slice(0, 60)}", which is on that machine only. Use an npm package, an image or a URL.`
}
