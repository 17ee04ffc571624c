'use client'

import {
  Activity,
  Brain,
  ChartColumn,
  Cloud,
  Code,
  Database,
  FileText,
  FlaskConical,
  Folder,
  Globe,
  type LucideIcon,
  Palette,
  Search,
  SquareKanban,
} from 'lucide-react'
import { useState } from 'react'
import { cn } from '#app/components/ui/cn.ts'
import type { CatalogEntry } from '#contracts/catalog.ts'

const BY_CATEGORY: Record<string, LucideIcon> = {
  browser: Globe,
  cloud: Cloud,
  data: ChartColumn,
  database: Database,
  design: Palette,
  development: Code,
  documentation: FileText,
  files: Folder,
  memory: Brain,
  monitoring: Activity,
  productivity: SquareKanban,
  reasoning: Brain,
  search: Search,
  testing: FlaskConical,
  web: Globe,
}

/** The entry's own picture; without one, or when it does not load, a sign of its category or its first letter. */
export function EntryIcon({
  entry,
  large,
}: {
  entry: Pick<CatalogEntry, 'title' | 'iconUrl' | 'categories'>
  large?: boolean
}) {
  const [broken, setBroken] = useState(false)
  const Icon = BY_CATEGORY[entry.categories[0]?.toLowerCase() ?? '']
  return (
    <span
      aria-hidden
      className={cn(
        'grid shrink-0 place-items-center overflow-hidden rounded-lg bg-primary-soft font-semibold text-primary',
        large ? 'size-12 text-xl [&_svg]:size-6' : 'size-10 text-lg [&_svg]:size-5',
      )}
    >
      {entry.iconUrl && !broken ? (
        // The picture is another site's: our server is not to fetch it for its sake.
        // oxlint-disable-next-line next/no-img-element
        <img
          src={entry.iconUrl}
          alt=""
          loading="lazy"
          referrerPolicy="no-referrer"
          className="size-full object-contain"
          onError={() => setBroken(true)}
        />
      ) : Icon ? (
        <Icon />
      ) : (
        entry.title.trim().charAt(0).toUpperCase()
      )}
    </span>
  )
}
