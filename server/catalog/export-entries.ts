import type { CatalogEntry } from '#contracts/catalog.ts'
import type { ExportAnswer, ExportCatalog, TransferFormat } from '#contracts/catalog-transfer.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { claudeDesktop, codex, mcpJson, vscode } from './export/clients.ts'
import type { Exported, Say } from './export/parts.ts'
import { serverJson } from './export/server-json.ts'
import { ENTRY_INCLUDE } from './fetch.ts'
import { askedAtOnce } from './users-bring.ts'
import { entryView } from './view.ts'

interface Format {
  fileName: string
  mediaType: string
  write: (all: readonly Exported[], say: Say) => string
}

const FORMATS: Record<TransferFormat, Format> = {
  'server-json': { fileName: 'server.json', mediaType: 'application/json', write: serverJson },
  'claude-desktop': {
    fileName: 'claude_desktop_config.json',
    mediaType: 'application/json',
    write: claudeDesktop,
  },
  'mcp-json': { fileName: '.mcp.json', mediaType: 'application/json', write: mcpJson },
  vscode: { fileName: 'mcp.json', mediaType: 'application/json', write: vscode },
  codex: { fileName: 'config.toml', mediaType: 'application/toml', write: codex },
}

/** The newest release of each entry, in the words of another program. Throws AppError BAD_REQUEST for an id of no entry. */
export async function exportCatalog({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: ExportCatalog
}): Promise<ExportAnswer> {
  const ids = [...new Set(input.ids)]
  const rows = await withActor(ctx.actor, (db) =>
    db.catalogEntry.findMany({
      where: { id: { in: ids }, deletedAt: null },
      orderBy: { slug: 'asc' },
      include: ENTRY_INCLUDE,
    }),
  )
  if (rows.length !== ids.length)
    throw new AppError('BAD_REQUEST', 'unknown entries', {
      fields: { ids: ['One of the entries does not exist.'] },
    })
  return writeEntries(
    rows.map((row) => entryView(row, 0)),
    input.format,
  )
}

/** Without a database, so that what is written can be read back in a test. */
export function writeEntries(entries: readonly CatalogEntry[], format: TransferFormat): ExportAnswer {
  const { fileName, mediaType, write } = FORMATS[format]
  const notes = new Set<string>()
  const all = entries.flatMap((entry) => {
    const [release] = entry.releases
    return release ? [{ entry, release: askedAtOnce(release), userCredentials: release.userCredentials }] : []
  })
  const text = write(all, (note) => notes.add(note))
  return { fileName, mediaType, text, notes: [...notes] }
}
