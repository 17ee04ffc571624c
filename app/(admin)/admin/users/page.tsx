import type { Metadata } from 'next'
import { UserListScreen } from '#app/components/users/user-list.tsx'

export const metadata: Metadata = { title: 'Users' }

export default function UsersPage() {
  return <UserListScreen />
}
