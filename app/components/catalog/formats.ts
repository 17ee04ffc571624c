import type { TransferFormat } from '#contracts/catalog-transfer.ts'

/** Names of the formats as their programs call them. */
export const FORMAT_LABELS: Record<TransferFormat, string> = {
  'server-json': 'MCP registry (server.json)',
  'claude-desktop': 'Claude Desktop',
  'mcp-json': 'Claude Code, Cursor (.mcp.json)',
  vscode: 'VS Code (.vscode/mcp.json)',
  codex: 'Codex (config.toml)',
}
