import {
  AvailableList,
  Connection,
  ConnectionDetail,
  ConnectionList,
  ConnectionTest,
  CreateConnection,
  ForAgent,
  TestConnection,
  UpdateConnection,
} from '#contracts/agents.ts'
import { ApproveTools } from '#contracts/connection-settings.ts'
import { ById } from '#contracts/servers.ts'
import { approveTools } from '#server/connections/approve.ts'
import { cancelTest } from '#server/connections/cancel-test.ts'
import { createConnection } from '#server/connections/create.ts'
import { getConnection } from '#server/connections/detail.ts'
import { disconnect } from '#server/connections/disconnect.ts'
import { listAvailable, listConnections } from '#server/connections/list.ts'
import { getTest, testConnection } from '#server/connections/test.ts'
import { updateConnection } from '#server/connections/update.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const connections = router({
  available: procedure('signed-in').input(ForAgent).output(AvailableList).query(listAvailable),
  test: procedure('signed-in').input(TestConnection).output(ConnectionTest).mutation(testConnection),
  testResult: procedure('signed-in').input(ById).output(ConnectionTest).query(getTest),
  cancelTest: procedure('signed-in').input(ById).output(ConnectionTest).mutation(cancelTest),
  create: procedure('signed-in').input(CreateConnection).output(Connection).mutation(createConnection),
  list: procedure('signed-in').input(ForAgent).output(ConnectionList).query(listConnections),
  get: procedure('signed-in').input(ById).output(ConnectionDetail).query(getConnection),
  update: procedure('signed-in').input(UpdateConnection).output(ConnectionDetail).mutation(updateConnection),
  approve: procedure('signed-in').input(ApproveTools).output(ConnectionDetail).mutation(approveTools),
  disconnect: procedure('signed-in').input(ById).output(Connection).mutation(disconnect),
})
