import { z } from 'zod'
import {
  CatalogEntry,
  CatalogEntryGet,
  CatalogList,
  CreateCatalogEntry,
  GetCatalogEntry,
  ListCatalog,
  UpdateCatalogEntry,
} from '#contracts/catalog.ts'
import { Id } from '#contracts/names.ts'
import { ById } from '#contracts/servers.ts'
import { createCatalogEntry } from '#server/catalog/create.ts'
import { deleteCatalogEntry } from '#server/catalog/delete.ts'
import { getCatalogEntry } from '#server/catalog/get.ts'
import { listCatalog } from '#server/catalog/list.ts'
import { updateCatalogEntry } from '#server/catalog/update.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const catalog = router({
  list: procedure('admin').input(ListCatalog).output(CatalogList).query(listCatalog),
  get: procedure('admin').input(GetCatalogEntry).output(CatalogEntryGet).query(getCatalogEntry),
  create: procedure('admin').input(CreateCatalogEntry).output(CatalogEntry).mutation(createCatalogEntry),
  update: procedure('admin').input(UpdateCatalogEntry).output(CatalogEntry).mutation(updateCatalogEntry),
  delete: procedure('admin')
    .input(ById)
    .output(z.object({ id: Id }))
    .mutation(deleteCatalogEntry),
})
