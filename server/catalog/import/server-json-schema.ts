import { z } from 'zod'
import { DataMount, HttpEndpoint, SomeLimits } from '#contracts/instances.ts'
import { Name, Text } from '#contracts/names.ts'

/** Left out and null mean the same in files that programs wrote. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined)

const listOf = <T extends z.ZodType>(schema: T) =>
  z
    .array(schema)
    .nullish()
    .transform((value) => value ?? [])

const Word = z.union([z.string(), z.number(), z.boolean()]).transform(String)

const Part = z.object({
  description: optional(z.string()),
  isRequired: z.boolean().default(false),
  isSecret: z.boolean().default(false),
  format: optional(z.string()),
  value: optional(Word),
  default: optional(Word),
  choices: optional(z.array(Word)),
  placeholder: optional(z.string()),
})

/** `Input` with `variables`, of the registry's schema (2025-07-09 to 2025-12-11). */
const Input = Part.extend({ variables: z.record(z.string(), Part).default({}) })
export type RegistryInput = z.infer<typeof Input>

const KeyValue = Input.extend({ name: z.string() })

const Argument = Input.extend({
  type: z.enum(['positional', 'named']).default('positional'),
  name: optional(z.string()),
  valueHint: optional(z.string()),
  isRepeated: z.boolean().default(false),
})
export type RegistryArgument = z.infer<typeof Argument>

const PackageTransport = z.object({ type: z.string(), url: optional(z.string()) })

const Package = z.object({
  registryType: optional(z.string()),
  registryName: optional(z.string()),
  registryBaseUrl: optional(z.string()),
  identifier: optional(z.string()),
  name: optional(z.string()),
  version: optional(z.string()),
  runtimeHint: optional(z.string()),
  transport: optional(PackageTransport),
  packageArguments: listOf(Argument),
  runtimeArguments: listOf(Argument),
  environmentVariables: listOf(KeyValue),
})
export type RegistryPackage = z.infer<typeof Package>

const Remote = z.object({
  type: z.string().default('streamable-http'),
  url: z.string(),
  headers: listOf(KeyValue),
  variables: z.record(z.string(), Part).default({}),
})
export type RegistryRemote = z.infer<typeof Remote>

export const ServerJson = z.object({
  name: z.string().min(1).max(200),
  title: optional(z.string().min(1)),
  description: z.string().default(''),
  version: optional(z.string().min(1)),
  versionDetail: optional(z.object({ version: z.string().min(1) })),
  websiteUrl: optional(z.string()),
  repository: optional(z.object({ url: optional(z.string()) })),
  icons: listOf(z.object({ src: z.string() })),
  packages: listOf(Package),
  remotes: listOf(Remote),
  _meta: optional(z.record(z.string(), z.record(z.string(), z.unknown()).catch({}))),
})

/** What an entry has that the format has no place for; written where publishers may put what is their own. */
export const OwnMeta = z.object({
  slug: Name.optional(),
  categories: z.array(Text.min(1).max(40)).max(8).optional(),
  publisher: Text.max(120).nullable().optional(),
  /** By `variables.NAME`, `headers.NAME`, `arguments.KEY`. */
  titles: z.record(z.string(), Text.max(80)).optional(),
  /** Which executable of an npm package is started. */
  bin: z.string().max(214).optional(),
  /** Names of what it lists that each user brings. */
  usersBring: z.array(z.string().max(128)).max(16).optional(),
  release: z
    .object({
      limits: SomeLimits.optional(),
      data: z.array(DataMount).max(8).optional(),
      http: HttpEndpoint.optional(),
    })
    .optional(),
})

/** Older forms of the schema wrote these with underscores. Names of variables are never touched. */
const SNAKE = new Set([
  'registry_type',
  'registry_name',
  'registry_base_url',
  'runtime_hint',
  'package_arguments',
  'runtime_arguments',
  'environment_variables',
  'is_required',
  'is_secret',
  'is_repeated',
  'value_hint',
  'website_url',
  'version_detail',
])

export function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      SNAKE.has(key) ? key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) : key,
      camelKeys(inner),
    ]),
  )
}
