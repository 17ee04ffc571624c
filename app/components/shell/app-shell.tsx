'use client'

import { Menu as MenuIcon, X } from 'lucide-react'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { Dialog } from 'radix-ui'
import { type ReactNode, useEffect, useState } from 'react'
import { AgentTokenProvider } from '#app/components/agents/agent-tokens.tsx'
import { AccountMenu } from '#app/components/shell/account-menu.tsx'
import { LiveIndicator } from '#app/components/shell/live-indicator.tsx'
import { Logo } from '#app/components/shell/logo.tsx'
import { isCurrent, navigationOf } from '#app/components/shell/navigation.ts'
import type { ShellUser } from '#app/components/shell/shell-user.ts'
import { cn } from '#app/components/ui/cn.ts'
import { TrpcProvider } from '#app/trpc/provider.tsx'
import { StatusStreamProvider } from '#app/trpc/status-stream.tsx'

function Navigation({ user, onNavigate }: { user: ShellUser; onNavigate?: () => void }) {
  const pathname = usePathname()
  return (
    <nav aria-label="Main" className="grid gap-6">
      {navigationOf(user.role).map((group) => (
        <div key={group.label} className="grid gap-1">
          <p className="px-3 pb-1 text-xs font-medium tracking-wide text-on-hull-muted">{group.label}</p>
          {group.items.map((item) => {
            const current = isCurrent(item.href, pathname)
            return (
              <Link
                key={item.href}
                href={item.href}
                aria-current={current ? 'page' : undefined}
                {...(onNavigate ? { onClick: onNavigate } : {})}
                className={cn(
                  'relative flex h-10 items-center gap-3 rounded-lg px-3 text-sm font-medium text-on-hull-muted transition-colors hover:bg-hull-raised hover:text-on-hull lg:h-9',
                  current &&
                    'bg-hull-raised text-on-hull before:absolute before:inset-y-2 before:left-0 before:w-[3px] before:rounded-full before:bg-brass',
                )}
              >
                <item.icon aria-hidden className="size-4" />
                {item.label}
              </Link>
            )
          })}
        </div>
      ))}
    </nav>
  )
}

function Brand({ href }: { href: string }) {
  return (
    <Link href={href} className="flex items-center gap-2.5 rounded-lg text-on-hull">
      <Logo className="size-7" />
      <span className="text-lg font-semibold tracking-tight">Toolberth</span>
    </Link>
  )
}

function MobileNavigation({ user, home }: { user: ShellUser; home: string }) {
  const [open, setOpen] = useState(false)
  const pathname = usePathname()
  useEffect(() => setOpen(false), [pathname])
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger
        aria-label="Open menu"
        className="grid size-10 place-items-center rounded-lg text-on-hull hover:bg-hull-raised"
      >
        <MenuIcon aria-hidden className="size-5" />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-50 animate-fade bg-[oklch(0.15_0.03_230/0.55)] lg:hidden" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] animate-slide-in flex-col gap-6 overflow-y-auto bg-hull p-4 shadow-raised outline-none lg:hidden"
        >
          <Dialog.Title className="sr-only">Menu</Dialog.Title>
          <div className="flex items-center justify-between">
            <Brand href={home} />
            <Dialog.Close
              aria-label="Close menu"
              className="grid size-10 place-items-center rounded-lg text-on-hull hover:bg-hull-raised"
            >
              <X aria-hidden className="size-5" />
            </Dialog.Close>
          </div>
          <Navigation user={user} onNavigate={() => setOpen(false)} />
          <div className="mt-auto">
            <LiveIndicator />
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** Frame of every page behind the sign-in: navigation, account, the live indicator, and the data below them. */
export function AppShell({ user, children }: { user: ShellUser; children: ReactNode }) {
  const home = user.role === 'ADMIN' ? '/admin' : '/agents'
  return (
    <TrpcProvider>
      <StatusStreamProvider>
        <AgentTokenProvider>
          <a
            href="#content"
            className="fixed top-2 left-2 z-[80] -translate-y-20 rounded-lg bg-primary px-4 py-2 text-sm text-on-primary focus:translate-y-0"
          >
            Skip to content
          </a>
          <div className="flex min-h-dvh flex-col lg:flex-row">
            <aside className="hidden w-60 shrink-0 bg-hull lg:block">
              <div className="sticky top-0 flex h-dvh flex-col gap-7 overflow-y-auto p-4">
                <div className="px-2 pt-1.5">
                  <Brand href={home} />
                </div>
                <Navigation user={user} />
                <div className="mt-auto grid gap-3">
                  <LiveIndicator />
                  <AccountMenu user={user} />
                </div>
              </div>
            </aside>
            <header className="sticky top-0 z-40 flex items-center justify-between gap-2 bg-hull px-2 py-1.5 lg:hidden">
              <div className="flex items-center gap-1">
                <MobileNavigation user={user} home={home} />
                <Brand href={home} />
              </div>
              <div className="flex items-center gap-1">
                <LiveIndicator compact />
                <AccountMenu user={user} compact />
              </div>
            </header>
            <main
              id="content"
              tabIndex={-1}
              className="mx-auto w-full max-w-6xl min-w-0 flex-1 px-4 py-6 outline-none sm:px-6 lg:px-10 lg:py-9"
            >
              {children}
            </main>
          </div>
        </AgentTokenProvider>
      </StatusStreamProvider>
    </TrpcProvider>
  )
}
