import { z } from 'zod'
import { DataMount, HttpEndpoint, SomeLimits, Transport } from './instances.ts'
import { EnvName, HeaderName, Id, Name, Text, Timestamp } from './names.ts'
import { Cursor, ServerState } from './servers.ts'
import { Source } from './sources.ts'
import { UserCredentials } from './user-credentials.ts'

const Asked = z.strictObject({
  title: Text.max(80).optional(),
  description: Text.max(500).optional(),
  required: z.boolean().default(false),
  secret: z.boolean().default(false),
  default: Text.max(4096).optional(),
  choices: z.array(Text.min(1).max(256)).min(1).max(64).optional(),
  placeholder: Text.max(256).optional(),
})

const noDefaultSecret = (asked: z.infer<typeof Asked>) => !asked.secret || asked.default === undefined
const NO_DEFAULT_SECRET = { path: ['default'], message: 'A secret has no default.' }

/** A variable that a form asks for. `default` is never a secret's. */
export const CatalogVariable = Asked.extend({ name: EnvName }).refine(noDefaultSecret, NO_DEFAULT_SECRET)
export type CatalogVariable = z.infer<typeof CatalogVariable>

/** A header of a remote server, asked for like a variable. */
export const CatalogHeader = Asked.extend({ name: HeaderName }).refine(noDefaultSecret, NO_DEFAULT_SECRET)
export type CatalogHeader = z.infer<typeof CatalogHeader>

/** An argument that a form asks for, put after the fixed ones: `--name value`, or the value alone without a `flag`. */
export const CatalogArgument = z.strictObject({
  key: z
    .string()
    .max(64)
    .regex(/^[a-zA-Z][a-zA-Z0-9_-]*$/, 'Letters, digits, dashes and underscores.'),
  title: Text.max(80).optional(),
  description: Text.max(500).optional(),
  flag: Text.min(1).max(64).optional(),
  required: z.boolean().default(false),
  default: Text.max(4096).optional(),
  choices: z.array(Text.min(1).max(256)).min(1).max(64).optional(),
  /** May be given more than once. */
  repeated: z.boolean().default(false),
})
export type CatalogArgument = z.infer<typeof CatalogArgument>

/** What an entry's source may be: everything but another entry. */
export const CatalogSource = Source.refine((source) => source.type !== 'catalog', {
  message: 'An entry names a package, an image or a URL.',
})

/** One version of an entry: everything a deployment needs besides the answers of its form. */
export const CatalogRelease = z.strictObject({
  /** As its publisher counts; shown, and what an update is offered by. */
  version: Text.min(1, 'Give the version, such as 1.0.0.').max(64, 'Use at most 64 characters.'),
  source: CatalogSource,
  transport: Transport,
  http: HttpEndpoint.optional(),
  variables: z.array(CatalogVariable).max(100).default([]),
  arguments: z.array(CatalogArgument).max(32).default([]),
  /** Names of headers that a remote server asks for, each asked for as a secret. */
  headers: z.array(CatalogHeader).max(32).default([]),
  /** What each user of such a server has to bring. */
  userCredentials: UserCredentials.default([]),
  limits: SomeLimits.default({}),
  data: z.array(DataMount).max(8).default([]),
})
export type CatalogRelease = z.infer<typeof CatalogRelease>

const EntryFields = {
  slug: Name,
  title: Text.min(1, 'Give it a title.').max(80, 'Use at most 80 characters.'),
  description: Text.max(500, 'Use at most 500 characters.'),
  categories: z
    .array(Text.min(1).max(40, 'Use at most 40 characters each.'))
    .max(8, 'Use at most 8 categories.')
    .default([]),
  /** An https address of a picture; pages show the title's first letter without one. */
  iconUrl: z
    .url({ protocol: /^https$/ })
    .max(2048)
    .nullable()
    .default(null),
  docsUrl: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .nullable()
    .default(null),
  publisher: Text.max(120).nullable().default(null),
}

export const CreateCatalogEntry = z.strictObject({ ...EntryFields, release: CatalogRelease })
export type CreateCatalogEntry = z.infer<typeof CreateCatalogEntry>

/** What is left out stays; a release with a new version is added, one with a known version replaces it. */
export const UpdateCatalogEntry = z.strictObject({
  id: Id,
  /** `updatedAt` of the entry that the change was made from; refused with CONFLICT when it was changed since. */
  baseUpdatedAt: Timestamp.optional(),
  title: EntryFields.title.optional(),
  description: EntryFields.description.optional(),
  categories: z.array(Text.min(1).max(40)).max(8).optional(),
  iconUrl: z
    .url({ protocol: /^https$/ })
    .max(2048)
    .nullable()
    .optional(),
  docsUrl: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .nullable()
    .optional(),
  publisher: Text.max(120).nullable().optional(),
  release: CatalogRelease.optional(),
  /** Versions to take out; the last one stays. */
  removeVersions: z.array(Text.min(1).max(64)).max(50).optional(),
})
export type UpdateCatalogEntry = z.infer<typeof UpdateCatalogEntry>

export const CatalogEntry = z.object({
  ...EntryFields,
  id: Id,
  /** `seed` entries come with this version of Toolberth. */
  origin: z.enum(['seed', 'imported', 'created']),
  /** Newest first; a deployment without a version takes the first. */
  releases: z.array(CatalogRelease).min(1),
  /** Servers deployed from it that are not deleted. */
  serverCount: z.int(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type CatalogEntry = z.infer<typeof CatalogEntry>

/** Left out: every entry. */
export const ListCatalog = z
  .strictObject({
    /** Words, each of which title, description, publisher, name or source has. */
    search: Text.max(200).optional(),
    category: Text.max(40).optional(),
  })
  .optional()
export type ListCatalog = z.infer<typeof ListCatalog>

export const CatalogList = z.object({
  cursor: Cursor,
  items: z.array(CatalogEntry),
  /** How many there are without search and filter. */
  total: z.int(),
  /** Of all entries, with how many have each. */
  categories: z.array(z.object({ name: z.string(), count: z.int() })),
})
export type CatalogList = z.infer<typeof CatalogList>

/** By one of the two. */
export const GetCatalogEntry = z
  .strictObject({ id: Id.optional(), slug: Name.optional() })
  .refine(({ id, slug }) => (id === undefined) !== (slug === undefined), 'Give an id or a slug.')
export type GetCatalogEntry = z.infer<typeof GetCatalogEntry>

export const CatalogEntryGet = CatalogEntry.extend({
  cursor: Cursor,
  /** Servers deployed from it that are not deleted, with the release that each one's latest revision was made from. */
  servers: z.array(z.object({ id: Id, name: z.string(), state: ServerState, version: z.string() })),
})
export type CatalogEntryGet = z.infer<typeof CatalogEntryGet>
