import type { z } from 'zod'
import type { ToolboxGet } from '#contracts/toolboxes.ts'

export type ToolboxWithServers = z.infer<typeof ToolboxGet>
export type ToolboxServer = ToolboxWithServers['servers'][number]
