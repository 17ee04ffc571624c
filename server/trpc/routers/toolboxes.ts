import { ToolboxOptions } from '#contracts/droplets.ts'
import { ById } from '#contracts/servers.ts'
import {
  CreateToolbox,
  CreateToolboxAnswer,
  DeleteToolbox,
  Enrollment,
  Metrics,
  MetricsInput,
  Toolbox,
  ToolboxGet,
  ToolboxList,
} from '#contracts/toolboxes.ts'
import { createToolbox } from '#server/toolboxes/create.ts'
import { deleteToolbox } from '#server/toolboxes/delete.ts'
import { activateToolbox, drainToolbox } from '#server/toolboxes/drain.ts'
import { getToolboxOptions } from '#server/toolboxes/droplets/options.ts'
import { retryDropletToolbox } from '#server/toolboxes/droplets/retry.ts'
import { renewEnrollment } from '#server/toolboxes/enrollment.ts'
import { getToolbox, listToolboxes } from '#server/toolboxes/list.ts'
import { readMetrics } from '#server/toolboxes/metrics.ts'
import { upgradeToolbox } from '#server/toolboxes/upgrade.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const toolboxes = router({
  list: procedure('admin').output(ToolboxList).query(listToolboxes),
  get: procedure('admin').input(ById).output(ToolboxGet).query(getToolbox),
  metrics: procedure('admin').input(MetricsInput).output(Metrics).query(readMetrics),
  create: procedure('admin').input(CreateToolbox).output(CreateToolboxAnswer).mutation(createToolbox),
  enrollment: procedure('admin').input(ById).output(Enrollment).mutation(renewEnrollment),
  drain: procedure('admin').input(ById).output(Toolbox).mutation(drainToolbox),
  activate: procedure('admin').input(ById).output(Toolbox).mutation(activateToolbox),
  upgrade: procedure('admin').input(ById).output(Toolbox).mutation(upgradeToolbox),
  options: procedure('admin').output(ToolboxOptions).query(getToolboxOptions),
  retry: procedure('admin').input(ById).output(Toolbox).mutation(retryDropletToolbox),
  delete: procedure('admin').input(DeleteToolbox).output(Toolbox).mutation(deleteToolbox),
})
