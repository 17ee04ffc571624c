'use client'

import { Monitor, Moon, Sun } from 'lucide-react'
import { useTheme } from 'next-themes'
import { ToggleGroup } from 'radix-ui'
import { useEffect, useState } from 'react'
import { ApiKeysCard } from '#app/components/settings/api-keys-card.tsx'
import { CloudCard } from '#app/components/settings/cloud-card.tsx'
import { PasswordCard } from '#app/components/settings/password-card.tsx'
import { RegistriesCard } from '#app/components/settings/registries-card.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'

const THEMES = [
  { value: 'light', label: 'Light', icon: Sun },
  { value: 'dark', label: 'Dark', icon: Moon },
  { value: 'system', label: 'System', icon: Monitor },
] as const

function ThemeCard() {
  const { theme, setTheme } = useTheme()
  // The stored theme is known in the browser alone.
  const [mounted, setMounted] = useState(false)
  useEffect(() => setMounted(true), [])
  return (
    <Card>
      <CardHeader title="Theme" hint="Kept in this browser." />
      <div className="px-4 py-4 sm:px-5">
        <ToggleGroup.Root
          type="single"
          aria-label="Theme"
          value={mounted ? (theme ?? 'system') : ''}
          onValueChange={(next) => next && setTheme(next)}
          className="inline-flex gap-1 rounded-xl bg-sunken p-1"
        >
          {THEMES.map(({ value, label, icon: Icon }) => (
            <ToggleGroup.Item
              key={value}
              value={value}
              className="flex h-9 items-center gap-2 rounded-lg px-3.5 text-sm text-muted transition-colors hover:text-ink data-[state=on]:bg-surface data-[state=on]:font-medium data-[state=on]:text-ink data-[state=on]:shadow-card"
            >
              <Icon aria-hidden className="size-4" />
              {label}
            </ToggleGroup.Item>
          ))}
        </ToggleGroup.Root>
      </div>
    </Card>
  )
}

export function SettingsScreen({ admin }: { admin: boolean }) {
  return (
    <>
      <PageHeader title="Settings" />
      <div className="grid max-w-3xl gap-5">
        <ThemeCard />
        <PasswordCard />
        <ApiKeysCard />
        {admin ? <RegistriesCard /> : null}
        {admin ? <CloudCard /> : null}
      </div>
    </>
  )
}
