import { createTRPCReact } from '@trpc/react-query'
import type { AppRouter } from '#server/trpc/router.ts'

/** Typed hooks of every procedure; the one way pages reach the server. */
export const trpc = createTRPCReact<AppRouter>()
