import { ArrowLeft } from 'lucide-react'
import Link from 'next/link'
import type { ReactNode } from 'react'

interface PageHeaderProps {
  title: ReactNode
  lead?: ReactNode
  actions?: ReactNode
  /** Where this page hangs: one level up. */
  parent?: { href: string; label: string }
  badges?: ReactNode
}

export function PageHeader({ title, lead, actions, parent, badges }: PageHeaderProps) {
  return (
    <header className="mb-6 grid gap-1">
      {parent ? (
        <nav aria-label="Breadcrumb" className="text-sm text-muted">
          <Link
            href={parent.href}
            className="inline-flex items-center gap-1.5 rounded py-0.5 hover:text-ink hover:underline"
          >
            <ArrowLeft aria-hidden className="size-3.5" />
            {parent.label}
          </Link>
        </nav>
      ) : null}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
        {/* As wide as its text: what does not fit beside it goes below, before a name is broken. */}
        <div className="flex min-w-0 grow flex-wrap items-center gap-x-3 gap-y-1.5">
          <h1 className="min-w-0 text-2xl font-semibold tracking-tight break-words">{title}</h1>
          {badges}
        </div>
        {actions ? (
          <div className="flex flex-wrap gap-2 max-sm:has-[>:nth-child(2)]:order-last">{actions}</div>
        ) : null}
        {/* The line is its own by its box: the text's greatest width would let it stand beside the title. */}
        {lead ? (
          <div className="-mt-2 basis-full">
            <p className="max-w-3xl text-muted">{lead}</p>
          </div>
        ) : null}
      </div>
    </header>
  )
}
