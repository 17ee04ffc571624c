import { z } from 'zod'
import { CreateCatalogEntry } from './catalog.ts'
import { Id, Name, Text } from './names.ts'

/** Formats of other programs that entries are read from and written as. */
export const TransferFormat = z.enum(['server-json', 'claude-desktop', 'mcp-json', 'vscode', 'codex'])
export type TransferFormat = z.infer<typeof TransferFormat>

/** What is wrong in a text as long as this is not found by reading it; the largest real ones have some 50 kB. */
const ConfigText = Text.min(1, 'Paste something first.').max(400_000, 'Use at most 400000 characters.')

export const ImportCatalog = z.strictObject({
  from: z.discriminatedUnion('type', [
    /** A pasted text or the content of a file; its format is found out. */
    z.strictObject({ type: z.literal('text'), text: ConfigText }),
    /** A server of the MCP registry, such as `io.github.owner/name`; without a version its latest. */
    z.strictObject({
      type: z.literal('registry'),
      name: Text.min(3).max(200),
      version: Text.min(1).max(255).optional(),
    }),
  ]),
  /** Keys of the servers to put into the catalog, each with the slug that it shall have. Left out: a preview, nothing changes. */
  apply: z
    .array(
      z.strictObject({
        key: Text.min(1).max(200),
        slug: Name.optional(),
        /** Names of variables or headers that each user brings, and whoever deploys it does not. */
        usersBring: z.array(Text.max(128)).max(16).optional(),
      }),
    )
    .min(1)
    .max(200)
    .optional(),
})
export type ImportCatalog = z.infer<typeof ImportCatalog>

/** What a configuration itself said, secrets too: for a deployment right away. Never kept, never sent to anybody but who sent it. */
export const ImportAnswers = z.object({
  env: z.record(z.string(), z.object({ value: z.string(), secret: z.boolean() })),
  headers: z.record(z.string(), z.string()),
  arguments: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
})
export type ImportAnswers = z.infer<typeof ImportAnswers>

export const ImportItem = z.object({
  /** The server's name in the text. */
  key: z.string(),
  /** `create` a new entry, `release` one more release of the entry with its slug, `replace` a release that it has. */
  action: z.enum(['create', 'release', 'replace', 'refuse']),
  /** Null when it is refused. */
  entry: CreateCatalogEntry.nullable(),
  answers: ImportAnswers,
  /** What was left out or changed on the way, in words. */
  notes: z.array(z.string()),
  /** Why it cannot be run, in words; null when it can. */
  refusal: z.string().nullable(),
  /** The entry that was made or changed; null in a preview. */
  entryId: Id.nullable(),
})
export type ImportItem = z.infer<typeof ImportItem>

export const ImportAnswer = z.object({ format: TransferFormat, items: z.array(ImportItem) })
export type ImportAnswer = z.infer<typeof ImportAnswer>

export const ExportCatalog = z.strictObject({
  ids: z.array(Id).min(1, 'Choose an entry.').max(200),
  format: TransferFormat,
})
export type ExportCatalog = z.infer<typeof ExportCatalog>

export const ExportAnswer = z.object({
  fileName: z.string(),
  mediaType: z.string(),
  text: z.string(),
  /** What the format has no place for, in words. */
  notes: z.array(z.string()),
})
export type ExportAnswer = z.infer<typeof ExportAnswer>

export const SearchRegistry = z.strictObject({
  /** Part of a name; left out: the first of all. */
  search: Text.max(100).optional(),
  /** `nextCursor` of the page before. */
  cursor: Text.max(500).optional(),
  /** Sent along by the client library where pages are added to a list; there is one direction only. */
  direction: z.literal('forward').optional(),
})
export type SearchRegistry = z.infer<typeof SearchRegistry>

export const RegistryPage = z.object({
  /** Host that was asked. */
  registry: z.string(),
  items: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      description: z.string(),
      version: z.string(),
      /** Why it cannot be run, in words; null when it can. */
      refusal: z.string().nullable(),
    }),
  ),
  nextCursor: z.string().nullable(),
})
export type RegistryPage = z.infer<typeof RegistryPage>
