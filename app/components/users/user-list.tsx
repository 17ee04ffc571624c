'use client'

import {
  Ban,
  CircleCheck,
  EllipsisVertical,
  ShieldCheck,
  UserCheck,
  UserCog,
  UserPlus,
  UserX,
} from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { Menu, MenuItem } from '#app/components/ui/menu.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { InviteDialog } from '#app/components/users/invite-dialog.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { User } from '#contracts/users.ts'

interface Change {
  user: User
  what: 'disable' | 'enable' | 'promote' | 'demote'
}

const CHANGES = {
  disable: {
    confirm: 'Disable',
    text: 'Sessions, API keys and agents of this user stop working at once. It can be enabled again.',
    input: { disabled: true },
  },
  enable: {
    confirm: 'Enable',
    text: 'The user can sign in again, and its agents work again.',
    input: { disabled: false },
  },
  promote: {
    confirm: 'Make admin',
    text: 'An admin sees and changes everything: servers, toolboxes, logs and users.',
    input: { role: 'ADMIN' },
  },
  demote: {
    confirm: 'Make user',
    text: 'The user keeps its agents and loses every right of an admin.',
    input: { role: 'USER' },
  },
} as const

function UserRow({
  user,
  self,
  onChange,
}: {
  user: User
  self: boolean
  onChange: (change: Change) => void
}) {
  return (
    <li className="flex items-center gap-3 px-4 py-3 sm:px-5">
      <span
        aria-hidden
        className="grid size-9 shrink-0 place-items-center rounded-full bg-primary-soft text-sm font-semibold text-primary"
      >
        {(user.name || user.email).slice(0, 1).toUpperCase()}
      </span>
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">
          {user.name || user.email}
          {self ? <span className="ml-2 text-[0.8125rem] font-normal text-muted">you</span> : null}
        </p>
        <p className="text-[0.8125rem] break-words text-muted">
          {user.name ? `${user.email}, ` : ''}
          added <RelativeTime at={user.createdAt} />
        </p>
        <p className="mt-1.5 flex flex-wrap gap-1.5 sm:hidden">
          <UserBadges user={user} />
        </p>
      </div>
      <p className="flex gap-1.5 max-sm:hidden">
        <UserBadges user={user} />
      </p>
      <Menu
        trigger={
          <Button variant="quiet" size="icon-sm" aria-label={`Actions for ${user.email}`} disabled={self}>
            <EllipsisVertical aria-hidden />
          </Button>
        }
      >
        {user.role === 'ADMIN' ? (
          <MenuItem onSelect={() => onChange({ user, what: 'demote' })}>
            <UserCog aria-hidden />
            Make user
          </MenuItem>
        ) : (
          <MenuItem onSelect={() => onChange({ user, what: 'promote' })}>
            <ShieldCheck aria-hidden />
            Make admin
          </MenuItem>
        )}
        {user.disabled ? (
          <MenuItem onSelect={() => onChange({ user, what: 'enable' })}>
            <UserCheck aria-hidden />
            Enable
          </MenuItem>
        ) : (
          <MenuItem danger onSelect={() => onChange({ user, what: 'disable' })}>
            <UserX aria-hidden />
            Disable
          </MenuItem>
        )}
      </Menu>
    </li>
  )
}

function UserBadges({ user }: { user: User }) {
  return (
    <>
      {user.role === 'ADMIN' ? (
        <Badge tone="info" icon={ShieldCheck}>
          Admin
        </Badge>
      ) : null}
      {user.disabled ? (
        <Badge tone="neutral" icon={Ban}>
          Disabled
        </Badge>
      ) : (
        <Badge tone="ok" icon={CircleCheck}>
          Enabled
        </Badge>
      )}
    </>
  )
}

/** Everybody who may sign in. */
export function UserListScreen() {
  const [inviting, setInviting] = useState(false)
  const [change, setChange] = useState<Change | null>(null)
  const users = trpc.users.list.useQuery()
  const me = trpc.users.me.useQuery()
  const utils = trpc.useUtils()
  const update = trpc.users.update.useMutation({
    onSuccess: (user) => {
      toast.success(`${user.email} was changed`)
      setChange(null)
      return utils.users.list.invalidate()
    },
  })
  const words = change ? CHANGES[change.what] : null
  return (
    <>
      <PageHeader
        title="Users"
        lead="Admins deploy servers; users connect their agents to them."
        actions={
          <Button variant="primary" onClick={() => setInviting(true)}>
            <UserPlus aria-hidden />
            Add user
          </Button>
        }
      />
      <QueryView query={users}>
        {(data) => (
          <ul
            aria-label="Users"
            className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-card"
          >
            {data.map((user) => (
              <UserRow
                key={user.id}
                user={user}
                self={user.id === me.data?.id}
                onChange={(next) => {
                  update.reset()
                  setChange(next)
                }}
              />
            ))}
          </ul>
        )}
      </QueryView>
      <InviteDialog open={inviting} onClose={() => setInviting(false)} />
      {change && words ? (
        <ConfirmDialog
          open
          onOpenChange={() => setChange(null)}
          title={`${words.confirm}: ${change.user.email}?`}
          confirm={words.confirm}
          danger={change.what === 'disable'}
          busy={update.isPending}
          error={update.error}
          onConfirm={() => update.mutate({ id: change.user.id, ...words.input })}
        >
          {words.text}
        </ConfirmDialog>
      ) : null}
    </>
  )
}
