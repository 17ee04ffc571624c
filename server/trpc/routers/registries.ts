import { z } from 'zod'
import { Id } from '#contracts/names.ts'
import { Registry, RegistryList, SetRegistry } from '#contracts/registries.ts'
import { ById } from '#contracts/servers.ts'
import { deleteRegistry } from '#server/registries/delete.ts'
import { listRegistries } from '#server/registries/list.ts'
import { setRegistry } from '#server/registries/set.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const registries = router({
  list: procedure('admin').output(RegistryList).query(listRegistries),
  set: procedure('admin').input(SetRegistry).output(Registry).mutation(setRegistry),
  delete: procedure('admin')
    .input(ById)
    .output(z.object({ id: Id }))
    .mutation(deleteRegistry),
})
