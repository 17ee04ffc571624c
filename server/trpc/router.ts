import { router } from './init.ts'
import { apiKeys, audit, users } from './routers/accounts.ts'
import { agents } from './routers/agents.ts'
import { catalog } from './routers/catalog.ts'
import { cloud } from './routers/cloud.ts'
import { connections } from './routers/connections.ts'
import { registries } from './routers/registries.ts'
import { servers } from './routers/servers.ts'
import { status } from './routers/status.ts'
import { toolboxes } from './routers/toolboxes.ts'
import { tools } from './routers/tools.ts'

export const appRouter = router({
  servers,
  toolboxes,
  agents,
  connections,
  tools,
  catalog,
  status,
  users,
  apiKeys,
  audit,
  registries,
  cloud,
})
export type AppRouter = typeof appRouter
