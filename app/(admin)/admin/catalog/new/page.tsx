import type { Metadata } from 'next'
import { NewEntryScreen } from '#app/components/catalog/entry-form-screen.tsx'

export const metadata: Metadata = { title: 'New catalog entry' }

export default function NewCatalogEntryPage() {
  return <NewEntryScreen />
}
