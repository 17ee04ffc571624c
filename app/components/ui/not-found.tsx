import { Compass } from 'lucide-react'
import Link from 'next/link'
import { Button } from '#app/components/ui/button.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'

export function NotFound() {
  return (
    <EmptyState
      icon={Compass}
      title="There is no such page"
      action={
        <Button asChild variant="primary">
          <Link href="/">Go to the start page</Link>
        </Button>
      }
    >
      <p>The address is wrong, or what it showed was deleted, or you may not see it.</p>
    </EmptyState>
  )
}
