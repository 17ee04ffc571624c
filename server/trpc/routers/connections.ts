import {
  AvailableList,
  Connection,
  ConnectionList,
  ConnectionTest,
  CreateConnection,
  ForAgent,
  TestConnection,
} from '#contracts/agents.ts'
import { ById } from '#contracts/servers.ts'
import { cancelTest } from '#server/connections/cancel-test.ts'
import { createConnection } from '#server/connections/create.ts'
import { disconnect } from '#server/connections/disconnect.ts'
import { getConnection, listAvailable, listConnections } from '#server/connections/list.ts'
import { getTest, testConnection } from '#server/connections/test.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const connections = router({
  available: procedure('signed-in').input(ForAgent).output(AvailableList).query(listAvailable),
  test: procedure('signed-in').input(TestConnection).output(ConnectionTest).mutation(testConnection),
  testResult: procedure('signed-in').input(ById).output(ConnectionTest).query(getTest),
  cancelTest: procedure('signed-in').input(ById).output(ConnectionTest).mutation(cancelTest),
  create: procedure('signed-in').input(CreateConnection).output(Connection).mutation(createConnection),
  list: procedure('signed-in').input(ForAgent).output(ConnectionList).query(listConnections),
  get: procedure('signed-in').input(ById).output(Connection).query(getConnection),
  disconnect: procedure('signed-in').input(ById).output(Connection).mutation(disconnect),
})
