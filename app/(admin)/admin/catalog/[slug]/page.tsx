import type { Metadata } from 'next'
import { EntryDetailScreen } from '#app/components/catalog/entry-detail.tsx'

export const metadata: Metadata = { title: 'Catalog entry' }

export default async function CatalogEntryPage({ params }: { params: Promise<{ slug: string }> }) {
  return <EntryDetailScreen slug={(await params).slug} />
}
