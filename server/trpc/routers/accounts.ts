import { z } from 'zod'
import { ById } from '#contracts/servers.ts'
import {
  ApiKey,
  ApiKeyWithSecret,
  AuditEntry,
  ChangePassword,
  CreateApiKey,
  InvitedUser,
  InviteUser,
  UpdateUser,
  User,
} from '#contracts/users.ts'
import { createApiKey, listApiKeys, revokeApiKey } from '#server/api-keys/create.ts'
import { listAudit } from '#server/audit/list.ts'
import { procedure, router } from '#server/trpc/init.ts'
import { inviteUser } from '#server/users/invite.ts'
import { getMe, listUsers } from '#server/users/list.ts'
import { changePassword, updateUser } from '#server/users/update.ts'

const AuditPage = z
  .strictObject({
    limit: z.int().min(1).max(200).default(50),
    before: z
      .string()
      .regex(/^\d{1,18}$/, 'This is not the id of an entry.')
      .optional(),
  })
  .default({ limit: 50 })

export const users = router({
  me: procedure('signed-in').output(User).query(getMe),
  list: procedure('admin').output(z.array(User)).query(listUsers),
  invite: procedure('admin').input(InviteUser).output(InvitedUser).mutation(inviteUser),
  update: procedure('admin').input(UpdateUser).output(User).mutation(updateUser),
  changePassword: procedure('signed-in').input(ChangePassword).output(User).mutation(changePassword),
})

export const apiKeys = router({
  create: procedure('signed-in').input(CreateApiKey).output(ApiKeyWithSecret).mutation(createApiKey),
  list: procedure('signed-in').output(z.array(ApiKey)).query(listApiKeys),
  revoke: procedure('signed-in').input(ById).output(ApiKey).mutation(revokeApiKey),
})

export const audit = router({
  list: procedure('admin').input(AuditPage).output(z.array(AuditEntry)).query(listAudit),
})
