'use client'

import { ChevronsUpDown, LogOut, Monitor, Moon, Settings, Sun } from 'lucide-react'
import Link from 'next/link'
import { useTheme } from 'next-themes'
import type { ShellUser } from '#app/components/shell/shell-user.ts'
import {
  Menu,
  MenuItem,
  MenuLabel,
  MenuRadioGroup,
  MenuRadioItem,
  MenuSeparator,
} from '#app/components/ui/menu.tsx'
import { leave } from '#app/trpc/end-session.ts'

export function AccountMenu({ user, compact }: { user: ShellUser; compact?: boolean }) {
  const { theme, setTheme } = useTheme()
  const initial = (user.name || user.email).slice(0, 1).toUpperCase()
  const avatar = (
    <span
      aria-hidden
      className="grid size-8 shrink-0 place-items-center rounded-full bg-brass text-sm font-semibold text-[oklch(0.24_0.04_230)]"
    >
      {initial}
    </span>
  )
  return (
    <Menu
      trigger={
        compact ? (
          <button type="button" aria-label="Account" className="grid size-10 place-items-center rounded-full">
            {avatar}
          </button>
        ) : (
          <button
            type="button"
            aria-label="Account"
            className="flex w-full items-center gap-2.5 rounded-xl border border-hull-line p-2 text-left transition-colors hover:bg-hull-raised"
          >
            {avatar}
            <span className="min-w-0 flex-1 leading-tight">
              <span className="block truncate text-sm font-medium text-on-hull">
                {user.name || user.email}
              </span>
              <span className="block truncate text-xs text-on-hull-muted">
                {user.role === 'ADMIN' ? 'Admin' : 'User'}
              </span>
            </span>
            <ChevronsUpDown aria-hidden className="size-4 text-on-hull-muted" />
          </button>
        )
      }
    >
      <MenuLabel>{user.email}</MenuLabel>
      <MenuItem asChild>
        <Link href="/settings">
          <Settings aria-hidden />
          Settings
        </Link>
      </MenuItem>
      <MenuSeparator />
      <MenuLabel>Theme</MenuLabel>
      <MenuRadioGroup value={theme ?? 'system'} onValueChange={setTheme}>
        <MenuRadioItem value="light">
          <Sun aria-hidden />
          Light
        </MenuRadioItem>
        <MenuRadioItem value="dark">
          <Moon aria-hidden />
          Dark
        </MenuRadioItem>
        <MenuRadioItem value="system">
          <Monitor aria-hidden />
          System
        </MenuRadioItem>
      </MenuRadioGroup>
      <MenuSeparator />
      <MenuItem onSelect={() => void leave('/sign-in')}>
        <LogOut aria-hidden />
        Sign out
      </MenuItem>
    </Menu>
  )
}
