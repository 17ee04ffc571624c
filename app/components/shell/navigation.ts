import { Bot, LayoutDashboard, LibraryBig, type LucideIcon, Server, ToyBrick, Users } from 'lucide-react'
import type { Role } from '#contracts/users.ts'

interface NavigationItem {
  href: string
  label: string
  icon: LucideIcon
}

interface NavigationGroup {
  label: string
  items: NavigationItem[]
}

const operate: NavigationGroup = {
  label: 'Operate',
  items: [
    { href: '/admin', label: 'Overview', icon: LayoutDashboard },
    { href: '/admin/servers', label: 'Servers', icon: Server },
    { href: '/admin/catalog', label: 'Catalog', icon: LibraryBig },
    { href: '/admin/toolboxes', label: 'Toolboxes', icon: ToyBrick },
    { href: '/admin/users', label: 'Users', icon: Users },
  ],
}

const use: NavigationGroup = { label: 'Use', items: [{ href: '/agents', label: 'My agents', icon: Bot }] }

export const navigationOf = (role: Role): NavigationGroup[] => (role === 'ADMIN' ? [operate, use] : [use])

/** The overview is current on its own page alone, every other entry on the pages below it too. */
export const isCurrent = (href: string, pathname: string): boolean =>
  pathname === href || (href !== '/admin' && pathname.startsWith(`${href}/`))
