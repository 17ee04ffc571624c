import type { Metadata } from 'next'
import { CatalogScreen } from '#app/components/catalog/catalog-screen.tsx'

export const metadata: Metadata = { title: 'Catalog' }

export default function CatalogPage() {
  return <CatalogScreen />
}
