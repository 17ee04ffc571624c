import Link from 'next/link'
import { EntryIcon } from '#app/components/catalog/entry-icon.tsx'
import { sourceText } from '#app/components/servers/source-text.ts'
import { QuickDeploy } from '#app/components/servers/wizard/quick-deploy.tsx'
import { plural } from '#app/components/ui/format.ts'
import type { CatalogEntry } from '#contracts/catalog.ts'

/** What has to be known before it can be deployed, in a few words; null when nothing has. */
function needs({ releases: [release] }: CatalogEntry): string | null {
  if (!release) return null
  const open = [...release.variables, ...release.headers, ...release.arguments].filter(
    (asked) => asked.required && asked.default === undefined,
  )
  const [first] = open
  if (!first) return null
  if (open.length > 1) return `Asks for ${open.length} values`
  return `Asks for ${first.title ?? ('name' in first ? first.name : first.key)}`
}

export function EntryCard({ entry }: { entry: CatalogEntry }) {
  const [release] = entry.releases
  const asked = needs(entry)
  return (
    <li className="relative flex flex-col gap-3 rounded-xl border border-line bg-surface p-4 shadow-card transition-colors has-[a.card-link:hover]:border-line-strong">
      <div className="flex items-start gap-3">
        <EntryIcon entry={entry} />
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold">
            <Link
              href={`/admin/catalog/${entry.slug}`}
              className="card-link rounded after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-ring"
            >
              {entry.title}
            </Link>
          </h2>
          <p className="truncate font-mono text-xs text-muted">
            {release ? sourceText(release.source) : null}
          </p>
        </div>
      </div>
      <p className="line-clamp-3 flex-1 text-sm text-muted">{entry.description}</p>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <p className="min-w-0 flex-1 text-xs text-muted">
          {[
            entry.categories.join(', '),
            asked,
            entry.serverCount > 0 ? plural(entry.serverCount, 'server') : null,
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
        <span className="relative z-10">
          <QuickDeploy entry={entry} />
        </span>
      </div>
    </li>
  )
}
