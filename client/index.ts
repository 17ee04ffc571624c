export { createToolberthClient, type ToolberthClient, type ToolberthClientOptions } from './create-client.ts'
export { isToolberthError, type ToolberthErrorAnswer, toolberthError } from './errors.ts'
