import { ById } from '#contracts/servers.ts'
import { ToolboxGet, ToolboxList } from '#contracts/toolboxes.ts'
import { getToolbox, listToolboxes } from '#server/toolboxes/list.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const toolboxes = router({
  list: procedure('admin').output(ToolboxList).query(listToolboxes),
  get: procedure('admin').input(ById).output(ToolboxGet).query(getToolbox),
})
