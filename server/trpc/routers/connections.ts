import {
  AvailableList,
  Connection,
  ConnectionDetail,
  ConnectionEvents,
  ConnectionList,
  ConnectionTest,
  CreateConnection,
  ForAgent,
  TestConnection,
  UpdateConnection,
} from '#contracts/agents.ts'
import { CallList, ListCalls } from '#contracts/calls.ts'
import { ApproveTools } from '#contracts/connection-settings.ts'
import { ListConnectionEvents } from '#contracts/events.ts'
import { ById } from '#contracts/servers.ts'
import { listCalls } from '#server/calls/list.ts'
import { approveTools } from '#server/connections/approve.ts'
import { cancelTest } from '#server/connections/cancel-test.ts'
import { retestConnection } from '#server/connections/checks/retest.ts'
import { createConnection } from '#server/connections/create.ts'
import { getConnection } from '#server/connections/detail.ts'
import { disconnect } from '#server/connections/disconnect.ts'
import { listConnectionEvents } from '#server/connections/events.ts'
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
  calls: procedure('signed-in').input(ListCalls).output(CallList).query(listCalls),
  events: procedure('signed-in')
    .input(ListConnectionEvents)
    .output(ConnectionEvents)
    .query(listConnectionEvents),
  retest: procedure('signed-in').input(ById).output(ConnectionDetail).mutation(retestConnection),
  disconnect: procedure('signed-in').input(ById).output(Connection).mutation(disconnect),
})
