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
import {
  ExportAnswer,
  ExportCatalog,
  ImportAnswer,
  ImportCatalog,
  RegistryPage,
  SearchRegistry,
} from '#contracts/catalog-transfer.ts'
import { Id } from '#contracts/names.ts'
import { ById } from '#contracts/servers.ts'
import { createCatalogEntry } from '#server/catalog/create.ts'
import { deleteCatalogEntry } from '#server/catalog/delete.ts'
import { exportCatalog } from '#server/catalog/export-entries.ts'
import { getCatalogEntry } from '#server/catalog/get.ts'
import { importCatalog } from '#server/catalog/import-entries.ts'
import { listCatalog } from '#server/catalog/list.ts'
import { searchRegistry } from '#server/catalog/registry.ts'
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
  /** Without `apply` nothing changes. */
  import: procedure('admin').input(ImportCatalog).output(ImportAnswer).mutation(importCatalog),
  export: procedure('admin').input(ExportCatalog).output(ExportAnswer).query(exportCatalog),
  searchRegistry: procedure('admin').input(SearchRegistry).output(RegistryPage).query(searchRegistry),
})
