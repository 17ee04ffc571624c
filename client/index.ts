export { createToolberthClient, type ToolberthClient, type ToolberthClientOptions } from './create-client.ts'
export { isToolberthError, type ToolberthErrorAnswer, toolberthError } from './errors.ts'
export { type StatusMessagesOptions, statusMessages } from './status-messages.ts'
export {
  type LiveDeployment,
  ToolberthDeploymentFailed,
  ToolberthDeploymentTimedOut,
  type WaitForDeploymentOptions,
  waitForDeployment,
} from './wait-for-deployment.ts'
