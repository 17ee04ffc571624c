import type { Metadata } from 'next'
import { EditEntryScreen } from '#app/components/catalog/entry-form-screen.tsx'

export const metadata: Metadata = { title: 'Edit catalog entry' }

export default async function EditCatalogEntryPage({ params }: { params: Promise<{ slug: string }> }) {
  return <EditEntryScreen slug={(await params).slug} />
}
