'use client'

import { createContext, type ReactNode, useContext, useMemo, useState } from 'react'

interface AgentTokens {
  tokenOf: (agentId: string) => string | undefined
  remember: (agentId: string, token: string) => void
}

const AgentTokensContext = createContext<AgentTokens | null>(null)

/** Tokens that were just made, for the snippets: in memory, and gone with the page. */
export function AgentTokenProvider({ children }: { children: ReactNode }) {
  const [tokens, setTokens] = useState<Readonly<Record<string, string>>>({})
  const value = useMemo<AgentTokens>(
    () => ({
      tokenOf: (agentId) => tokens[agentId],
      remember: (agentId, token) => setTokens((now) => ({ ...now, [agentId]: token })),
    }),
    [tokens],
  )
  return <AgentTokensContext.Provider value={value}>{children}</AgentTokensContext.Provider>
}

export function useAgentTokens(): AgentTokens {
  const value = useContext(AgentTokensContext)
  if (!value) throw new Error('AgentTokenProvider is missing above this component')
  return value
}
