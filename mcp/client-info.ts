/** How prober and gateway present themselves to MCP servers in `initialize`. */
export const CLIENT_INFO = { name: 'toolberth', title: 'Toolberth', version: '0.1.0' } as const
